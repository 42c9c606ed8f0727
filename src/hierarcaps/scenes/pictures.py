"""Scenes drawn anew for readers, who see pictures larger than models do."""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from hierarcaps.data.images import ImageStore, open_images
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes.drawing import draw
from hierarcaps.scenes.scene import Scene

ENLARGED = 2
"""Sides of a picture for readers, in sides of the one that models see."""


def open_pictures(source: str | Path) -> ImageStore:
    """Open images as a reader is to see them: drawn scenes at twice their size, others as they are.

    Args:
        source: as ``data.images.open_images`` takes it.

    Raises:
        InputError: no such file or folder, or no images in it.
    """
    images = open_images(source)
    scenes = _scenes(Path(source))
    return DrawnPictures(images, scenes) if scenes else images


class DrawnPictures:
    """The store of images with each one drawn anew from its scene: the same, at twice the size."""

    def __init__(self, images: ImageStore, scenes: Mapping[str, str]) -> None:
        self._images, self._scenes = images, scenes

    def __getitem__(self, name: str) -> Image.Image:
        """Return the picture of a name; KeyError where there is none."""
        seen = self._images[name]
        if name not in self._scenes:  # another spelling of it
            return seen
        return draw(Scene.from_json(self._scenes[name]), ENLARGED * seen.width)

    def __contains__(self, name: object) -> bool:
        """Return whether there is a picture of the name."""
        return name in self._images

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._images)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in a fixed order."""
        return self._images.names


def _scenes(path: Path) -> dict[str, str]:
    """Return the scene of each name as JSON; empty where the source is no drawn world."""
    if not path.is_file():
        return {}
    import pyarrow.parquet as pq

    if not {"name", "scene"} <= set(pq.read_schema(path).names):
        return {}
    columns = pq.read_table(path, columns=["name", "scene"]).to_pydict()
    try:
        for scene in columns["scene"][:1]:
            Scene.from_json(scene)
    except (InputError, TypeError):
        return {}  # a column of that name in a user's own file
    return dict(zip(columns["name"], columns["scene"], strict=True))
