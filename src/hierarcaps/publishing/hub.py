"""The Hugging Face hub: what it says of a licence, and the upload, on an explicit word only."""

from pathlib import Path
from typing import Literal

from hierarcaps.models.hub import hub_file
from hierarcaps.runtime.errors import InputError, one_line


def licence_of(repository: str) -> str | None:
    """Return the licence that a model's card on the hub names; None where it cannot be known."""
    from huggingface_hub import ModelCard

    try:
        card = ModelCard.load(hub_file(repository, ["README.md"]), ignore_metadata_errors=True)
    except (InputError, OSError, ValueError):
        return None
    licence = card.data.get("license")
    return licence if isinstance(licence, str) else None


def push(folder: str | Path, repository: str, kind: Literal["model", "dataset"]) -> str:
    """Upload a folder to the hub (``HF_ENDPOINT``, ``HF_TOKEN``) and return its address there.

    A repository that does not exist is made, and is private: its owner shows it to others.

    Raises:
        InputError: no token, no network, or the hub refuses.
    """
    from huggingface_hub import HfApi, get_token

    from hierarcaps.models.hub import can_reach_hub

    if get_token() is None:
        raise InputError(
            f"{repository}: there is no token for the hub, expected one in HF_TOKEN or by "
            "`hf auth login`"
        )
    if not can_reach_hub():
        raise InputError(f"{repository}: the hub cannot be reached, expected a network")
    api = HfApi()
    try:
        api.create_repo(repository, repo_type=kind, private=True, exist_ok=True)
        api.upload_folder(
            folder_path=folder, repo_id=repository, repo_type=kind,
            commit_message="Written by hierarcaps", ignore_patterns=[".partial-*"],
        )  # fmt: skip
    except Exception as error:
        # The client raises its own errors, those of its transport, and ValueError for bad ids.
        raise InputError(f"{repository}: the upload failed ({one_line(error)})") from None
    prefix = "datasets/" if kind == "dataset" else ""
    return f"{api.endpoint}/{prefix}{repository}"
