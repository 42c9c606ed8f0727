"""ProLIP checkpoints are known, and refused in a sentence: nothing here builds their towers."""

import json
import re
from pathlib import Path

from hierarcaps.runtime.errors import InputError

_ON_THE_HUB = re.compile(r"(hf-hub:)?SanghyukChun/(Long)?ProLIP", re.IGNORECASE)


def refuse_prolip(name: str) -> None:
    """Raise InputError where a name is that of a ProLIP on the hub, or of a folder with one.

    Its towers read tokens of their own for the class and for the uncertainty, and their outputs are
    a mean and a log variance; neither open_clip nor transformers builds them, and a loader of our
    own could not be held to published embeddings.
    """
    if _ON_THE_HUB.match(name) or _is_prolip(Path(name) / "config.json"):
        raise InputError(
            f"model {name} is a ProLIP, which cannot be loaded: its towers with uncertainty tokens "
            "are built by its own code (naver-ai/prolip) alone; expected a model of open_clip, "
            "transformers or MERU's format"
        )


def _is_prolip(path: Path) -> bool:
    try:
        text = json.loads(path.read_text(encoding="utf-8"))["text_cfg"]
        return "embed_unc" in text
    except (OSError, ValueError, LookupError, TypeError):
        return False  # whatever else it is, the family's own loader says what is wrong
