"""The drawn world: scenes whose pictures, captions and logic are all known exactly.

* ``taxonomy``: the words (concepts, categories, colours, ...), plurals and articles;
* ``scene``: ``Scene``, ``sample_scenes(split, size, seed)``;
* ``drawing``: ``draw(scene) -> PIL image``, ``concept_sheet``, ``scene_sheet``;
* ``captions``: ``captions(scene, number, rng)``, ``gold_tiers(scene, rng)``;
* ``grammar``: ``realise(meaning, rng)`` and its inverse ``parse(text)``;
* ``logic``: ``entails``, ``contradicts``, ``relation`` on parsed captions, ``near_misses``;
* ``pictures``: ``open_pictures``, the same scenes at twice the size, for readers;
* ``dataset``: ``write_split``, ``read_scenes``.

The package imports nothing by itself; import the module that is needed.
"""

__all__ = [
    "captions",
    "dataset",
    "drawing",
    "grammar",
    "logic",
    "pictures",
    "scene",
    "taxonomy",
    "wording",
]
