"""What ``hierarcaps doctor`` finds out about an installation and a machine, without a study."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

OK, NOTE, MISSING = "ok", "note", "missing"
# What a person cannot do without: a family of models, and to write hierarchies.
FAMILIES = ("openclip", "transformers")
SECONDS = 10  # that a server has to answer


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, ``ok``, ``note`` or ``missing``, and in a sentence what."""

    subject: str
    status: str
    finding: str


def check_packages(extras: Sequence[str] = ()) -> list[Check]:
    """Return what is wrong with the Python and the packages, each against its range.

    Args:
        extras: those that must be whole; by default one of ``FAMILIES``.
    """
    from packaging.specifiers import SpecifierSet

    about = metadata.metadata("hierarcaps")
    python = ".".join(map(str, sys.version_info[:3]))
    wanted = about["Requires-Python"] or ""
    status = OK if SpecifierSet(wanted).contains(python) else MISSING
    checks = [Check("python", status, f"{python}, expected {wanted}")]
    wrong = {extra: _wrong(extra) for extra in ("", *(extras or FAMILIES))}
    needed = ["", *extras]
    if not extras and all(wrong[family] for family in FAMILIES):
        needed += FAMILIES[:1]
    for extra, sentences in wrong.items():
        name = f"hierarcaps[{extra}]" if extra else "hierarcaps"
        if sentences:
            status = MISSING if extra in needed else NOTE
            checks.append(Check(name, status, "; ".join(sentences)))
        else:
            checks.append(Check(name, OK, "every package is within its range"))
    return checks


def _wrong(extra: str) -> list[str]:
    """Return a sentence for each package of an extra, and of those in it, that is not as wanted."""
    from packaging.requirements import Requirement

    sentences = []
    for line in metadata.requires("hierarcaps") or []:
        requirement = Requirement(line)
        marker = requirement.marker
        is_of_extra = marker is not None and "extra" in str(marker)
        if is_of_extra != bool(extra) or (marker and not marker.evaluate({"extra": extra})):
            continue
        if requirement.name == "hierarcaps":
            for inner in sorted(requirement.extras):
                sentences += _wrong(inner)
            continue
        expected = f"expected {requirement.specifier or 'any'}"
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            sentences.append(f"{requirement.name} is not installed, {expected}")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            sentences.append(f"{requirement.name} is {found}, {expected}")
    return sentences


def check_device() -> Check:
    """Return what torch computes on, with its memory."""
    if importlib.util.find_spec("torch") is None:
        return Check("device", MISSING, "torch is not installed")
    from hierarcaps.runtime.torch_setup import choose_device

    device = choose_device()
    if device.type == "cuda":
        import torch

        name = torch.cuda.get_device_name(device)
        return Check("device", OK, f"{name}, {gpu_gigabytes():.0f} GB")
    if device.type == "mps":
        return Check("device", NOTE, "Apple's GPU, on which nothing was tried yet")
    return Check("device", NOTE, f"no GPU that torch sees: {os.cpu_count()} cores compute")


def gpu_gigabytes() -> float:
    """Return the memory of the GPU, 0 where there is none."""
    import torch

    if not torch.cuda.is_available():
        return 0.0
    return torch.cuda.get_device_properties(0).total_memory / 1e9


def check_hub() -> Check:
    """Return whether the hub answers, at the address that HF_ENDPOINT may name."""
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import HfHubHTTPError

    from hierarcaps.models.hub import can_reach_hub
    from hierarcaps.runtime.errors import one_line

    if constants.HF_HUB_OFFLINE:
        return Check("hub", NOTE, "HF_HUB_OFFLINE is set: only what is in the cache is taken")
    where = constants.ENDPOINT
    if not can_reach_hub():
        return Check("hub", NOTE, f"{where} is not reached: there is no network")
    try:
        user = HfApi().whoami()["name"] if get_token() else None
    except (HfHubHTTPError, OSError) as error:
        return Check("hub", NOTE, f"{where}: {one_line(error)}")
    return Check("hub", OK, f"{where} is there, {f'as {user}' if user else 'without a token'}")


def check_mirror() -> list[Check]:
    """Return whether the mirror that HIERARCAPS_MIRROR names is there; nothing without one."""
    import urllib.error
    import urllib.request

    from hierarcaps.data.mirror import VARIABLE, mirror, mirror_folder
    from hierarcaps.runtime.errors import InputError

    subject = "mirror of published files"
    try:
        base, folder = mirror(), mirror_folder()
    except InputError as error:
        return [Check(subject, MISSING, str(error))]
    if base is None:
        return []
    if folder is not None:
        there = folder.is_dir()
        finding = f"{folder} is there" if there else f"{folder}: no such folder ({VARIABLE})"
        return [Check(subject, OK if there else MISSING, finding)]
    try:
        urllib.request.urlopen(urllib.request.Request(base, method="HEAD"), timeout=SECONDS).close()
    except urllib.error.HTTPError:
        pass  # a server that lists no folders is there, too
    except OSError as error:
        reason = getattr(error, "reason", error)
        return [Check(subject, MISSING, f"{base} is not reached ({reason}; {VARIABLE})")]
    return [Check(subject, OK, f"{base} is there")]


def check_data() -> Check:
    """Return whether the official test set is at hand."""
    from hierarcaps.data.official import DIRECTORY_VARIABLE, find_test_set
    from hierarcaps.runtime.errors import InputError

    try:
        table, _ = find_test_set()
    except InputError as error:
        named = os.environ.get(DIRECTORY_VARIABLE)
        return Check("official test set", MISSING if named else NOTE, str(error))
    return Check("official test set", OK, str(table))


def check_disk(folder: Path, wanted: float = 0.0) -> Check:
    """Return the room on the disk of a folder, to be made or there, against what is wanted (GB)."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    free = shutil.disk_usage(there).free / 1e9
    enough = f", about {wanted:.1f} GB are needed" if wanted else ""
    return Check(
        f"disk of {folder}", OK if free >= wanted else MISSING, f"{free:.0f} GB free{enough}"
    )


def is_missing(checks: Iterable[Check]) -> bool:
    """Return whether something that is needed is missing."""
    return any(each.status == MISSING for each in checks)
