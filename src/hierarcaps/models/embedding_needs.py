"""What tasks need embedded beside the test set, as a file between their job and the embed job.

The file holds the texts and images themselves, so that what is embedded depends on its content and
not on the code of the tasks.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hierarcaps.data.image_sets import ImageSet, join_stores
from hierarcaps.data.images import ImageStore
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json


@dataclass(frozen=True)
class EmbeddingNeeds:
    """Texts, and images of further sources."""

    strings: tuple[str, ...] = ()
    image_sets: tuple[ImageSet, ...] = ()

    def images(self) -> ImageStore | None:
        """Return one store of all further images, or None where there are none."""
        return join_stores(self.image_sets)


def write_needs(path: str | Path, needs: EmbeddingNeeds) -> None:
    """Write the needs as JSON."""
    write_json(path, asdict(needs))


def read_needs(path: str | Path) -> EmbeddingNeeds:
    """Read a file of :func:`write_needs`.

    Raises:
        InputError: not such a file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        image_sets = tuple(
            ImageSet(each["name"], each["source"], tuple(each["files"]))
            for each in content["image_sets"]
        )
        return EmbeddingNeeds(tuple(content["strings"]), image_sets)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: not a list of texts and images to embed ({error})") from None
