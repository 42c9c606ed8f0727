"""A scene: what is to be drawn, as data; its JSON form and its seeded sampling.

The first object is the main subject; a second one, the companion, stands to it in ``relation``
("subject above companion"). ``layout`` seeds everything that no caption speaks of (position,
mirroring, the look of the background), and ``layout % 3`` is the split: two splits share no scene,
and since their backgrounds come from different variants, no image either.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random

from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes import taxonomy

SPLITS = ("train", "validation", "test")

COUNT_SHARES = (0.84, 0.10, 0.06)
SIZE_SHARES = (0.25, 0.30, 0.45)
COMPANION_SHARE = 0.08
# Lessons of small-scale training: without such regularities concepts are learnt far more slowly.
TYPICAL_SHARE = 0.5


@dataclass(frozen=True)
class SceneObject:
    """A group of ``count`` equal things of one concept, colour and size."""

    concept: str
    colour: str
    size: str
    count: int

    @property
    def held_out(self) -> bool:
        """Whether the colour-concept combination is kept out of training and validation."""
        return self.colour == taxonomy.held_out_colour(self.concept)


@dataclass(frozen=True)
class Scene:
    """One or two objects in a setting; ``relation`` is None where there is one object."""

    objects: tuple[SceneObject, ...]
    setting: str
    relation: str | None
    layout: int

    def __post_init__(self) -> None:
        if len(self.objects) != (1 if self.relation is None else 2):
            raise ValueError("a scene has one object, or two and a relation")

    @property
    def subject(self) -> SceneObject:
        """The main subject."""
        return self.objects[0]

    @property
    def companion(self) -> SceneObject | None:
        """The second object, or None."""
        return self.objects[1] if self.relation else None

    @property
    def held_out(self) -> bool:
        """Whether any object shows a held-out colour-concept combination."""
        return any(each.held_out for each in self.objects)

    @property
    def content(self) -> tuple:
        """What captions can speak of: the scene without its layout."""
        return (self.objects, self.setting, self.relation)

    def to_json(self) -> str:
        """Return a JSON object with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Scene":
        """Return the scene of ``to_json``; InputError where the text is no scene."""
        try:
            record = json.loads(text)
            objects = tuple(SceneObject(**each) for each in record.pop("objects"))
            scene = cls(objects=objects, **record)
            _check_values(scene)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"Not a scene record: {text[:80]!r} ({error}).") from None
        return scene


def _check_values(scene: Scene) -> None:
    allowed: list[tuple[object, tuple]] = [
        (scene.setting, taxonomy.SETTINGS),
        (scene.relation, (None, *taxonomy.RELATIONS)),
    ]
    for each in scene.objects:
        allowed += [
            (each.concept, tuple(taxonomy.CONCEPTS)),
            (each.colour, taxonomy.COLOURS),
            (each.size, taxonomy.SIZES),
            (each.count, taxonomy.COUNTS),
        ]
    for value, values in allowed:
        if value not in values:
            raise ValueError(f"{value!r} is none of {', '.join(map(str, values))}")


def sample_scenes(
    split: str,
    size: int,
    seed: int,
    held_out_share: float = 0.2,
    typical_share: float = TYPICAL_SHARE,
) -> Iterator[Scene]:
    """Yield ``size`` scenes of a split; the same arguments give the same scenes.

    ``held_out_share`` is the share of test scenes whose subject has its concept's held-out colour;
    there are none in train and validation. Outside train no two scenes have the same content, so
    that a full caption belongs to one image.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}, expected one of {', '.join(SPLITS)}")
    rng = Random(f"scenes/{seed}/{split}")
    seen = set()
    made = 0
    while made < size:
        held_out = split == "test" and rng.random() < held_out_share
        scene = _sample(rng, SPLITS.index(split), held_out, typical_share)
        if split != "train" and scene.content in seen:
            continue
        seen.add(scene.content)
        made += 1
        yield scene


def _sample(rng: Random, split_index: int, held_out: bool, typical_share: float) -> Scene:
    concept = rng.choice(tuple(taxonomy.CONCEPTS))
    companion = None
    if rng.random() < COMPANION_SHARE:
        others = [other for other in taxonomy.CONCEPTS if other != concept]
        companion = rng.choice(others)
    count = 1 if companion else rng.choices(taxonomy.COUNTS, COUNT_SHARES)[0]
    size = rng.choices(taxonomy.SIZES, SIZE_SHARES)[0]
    colour = taxonomy.held_out_colour(concept) if held_out else _colour(rng, concept, typical_share)
    objects = [SceneObject(concept, colour, size, count)]
    if companion:
        size = rng.choices(taxonomy.SIZES, SIZE_SHARES)[0]
        objects.append(SceneObject(companion, _colour(rng, companion, typical_share), size, 1))
    typical = rng.random() < typical_share
    setting = taxonomy.CONCEPTS[concept].setting if typical else rng.choice(taxonomy.SETTINGS)
    relation = rng.choice(taxonomy.RELATIONS) if companion else None
    layout = len(SPLITS) * rng.getrandbits(30) + split_index
    return Scene(tuple(objects), setting, relation, layout)


def _colour(rng: Random, concept: str, typical_share: float) -> str:
    if rng.random() < typical_share:
        return taxonomy.CONCEPTS[concept].colour
    held_out = taxonomy.held_out_colour(concept)
    return rng.choice([colour for colour in taxonomy.COLOURS if colour != held_out])
