"""Loading of torch, transformers and their models: devices, and errors in a user's words."""

import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.hub_words import ask_hub
from hierarcaps.runtime.weights_files import refuse_pointers, renaming, stand_ins, why_unreadable

if TYPE_CHECKING:
    import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# A torch.library.Library withdraws its definitions when it is collected.
_library: "torch.library.Library | None" = None


def declare_torchvision_ops() -> None:
    """Let torchvision be imported beside a CPU-only torch. Harmless when called again.

    Call it before the first import of torchvision, open_clip or transformers. PyPI's torchvision is
    built for CUDA. Beside a torch without CUDA its compiled operators do not load, and ``import
    torchvision`` fails where it registers fake kernels for ``nms`` and ``qnms``. Only the
    transforms are used here, which need no operator: declaring the two schemas is enough.
    """
    global _library
    import torch

    if torch.version.cuda is not None or _operators_exist():
        return
    _load_compiled_operators()
    if not _operators_exist():
        _library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            _library.define(schema)


def _operators_exist() -> bool:
    import torch

    return hasattr(torch.ops.torchvision, "nms")


def _load_compiled_operators() -> None:
    """Load torchvision's own operators where they fit this torch: declared ones would clash."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in sorted(Path(folder).glob("_C.*")):
            try:
                torch.ops.load_library(str(library))
            except OSError:
                continue


def choose_device(name: str = "auto") -> "torch.device":
    """Return the device called ``name``: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    ``auto`` is a CUDA GPU where there is one, else Apple's (``mps``, on which nothing was tried
    yet), else the CPU.

    Raises:
        InputError: unknown device, or a GPU was demanded that there is not.
    """
    import torch

    apple = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if apple else "cpu")
    expected = "expected auto, cpu, cuda, cuda:N or mps"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device: found {name!r}, {expected}") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise InputError(f"device: {name} was asked for, but torch sees no GPU")
        if (device.index or 0) >= count:
            raise InputError(f"device: {name} was asked for, but the last GPU is cuda:{count - 1}")
    elif device.type == "mps" and not apple:
        raise InputError(f"device: {name} was asked for, but torch sees no GPU of Apple")
    elif device.type not in ("cpu", "mps"):
        raise InputError(f"device: found {name!r}, {expected}")
    return device


def load_weights(auto_class: str, source: str, **options: Any) -> Any:
    """Load the model at ``source`` with a transformers class, whole, in float32 unless told.

    Whatever the file says: of itself transformers takes the precision of the checkpoint, and half
    precision neither trains nor judges as the same weights do in single. Names that a wrapper
    (``torch.compile``, DistributedDataParallel, Lightning) has prefixed lose the prefix.

    Raises:
        InputError: as :func:`load_pretrained`, or weights that the file lacks or has in other
            shapes, which transformers would draw at random.
    """
    import torch

    options = {"dtype": torch.float32, **options, "output_loading_info": True}
    model, info = load_pretrained(auto_class, source, **options)
    if rules := renaming(info["missing_keys"], info["unexpected_keys"]):
        model, info = load_pretrained(auto_class, source, key_mapping=rules, **options)
    for kind, found in (("missing", "are not in it"), ("mismatched", "have other shapes in it")):
        if keys := sorted(map(str, info[f"{kind}_keys"])):
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            unknown = min(info["unexpected_keys"], default=None)
            raise InputError(
                f"model {source}: {len(keys)} weights of {type(model).__name__} {found} "
                f"({', '.join(keys[:3])}{more}{f'; it has {unknown}' if unknown else ''}); "
                "expected a checkpoint of this kind, trained for it"
            )
    return model


def load_pretrained(auto_class: str, source: str, **options: Any) -> Any:
    """Load ``source`` with a transformers class, e.g. ``AutoTokenizer``.

    Raises:
        InputError: no such model, no network, or unreadable files.
    """
    declare_torchvision_ops()
    # For weights without safetensors transformers asks a service of others to convert them, with
    # the user's token and in a thread that outlives the loading, and fetches them once more.
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
    import transformers

    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    folder = Path(source)
    if folder.is_dir():
        refuse_pointers(folder)

    def load() -> Any:
        return getattr(transformers, auto_class).from_pretrained(source, **options)

    try:
        with stand_ins():
            return load() if folder.is_dir() else ask_hub(f"model {source}", source, load)
    except InputError:
        raise
    except Exception as error:
        # transformers, its hub client and the file readers raise a dozen unrelated types.
        cause = why_unreadable(folder, error) if folder.is_dir() else one_line(error)
        raise InputError(f"model {source}: cannot be loaded as {auto_class} ({cause})") from error
