# ruff: noqa: E501
"""The few-shot prompts themselves. A changed text is a new version: results are keyed by it."""

from hierarcaps.generation.prompts import Prompt
from hierarcaps.generation.text import SEPARATOR
from hierarcaps.runtime.errors import InputError

# Simple pictures of one or two objects. Of the drawn world it shows the eight category names and
# the shape of captions (disclosed in the datasheet), but none of its concepts.
_OBJECTS = """
a small brown horse in a field => a brown horse => a horse => an animal
two large green socks under a bench => two green socks => socks => clothing
a big blue tractor in the snow => a blue tractor => a tractor => a vehicle
in a garden, a little white rose => a white rose => a rose => a plant
two orange carrots on a plate => two orange carrots => carrots => food
a photo of a huge white church at night => a white church => a church => a building
three white sheep on the street => three white sheep => sheep => animals
a tiny pink doll beside a box => a pink doll => a doll => a toy
a black desk above a rug in a room => a black desk => a desk => furniture
two gray barns on a hill => two gray barns => barns => buildings
an illustration of an old orange taxi => an orange taxi => a taxi => a vehicle
some tall green ferns at night => green ferns => ferns => plants
a large brown pancake with a cup => a brown pancake => a pancake => food
there are three little yellow puzzles on the floor => three yellow puzzles => puzzles => toys
a purple coat on the sea => a purple coat => a coat => clothing
red motorcycles in the desert => red motorcycles => motorcycles => vehicles
a gray octopus next to a green rock => a gray octopus => an octopus => an animal
a medium-sized red shelf indoors => a red shelf => a shelf => furniture
a couple of white wolves below a lantern => a couple of white wolves => wolves => animals
a single green bush inside a tent => a green bush => a bush => a plant
several yellow puppets over a road => several yellow puppets => puppets => toys
a picture of one big brown hut on a city street => one brown hut => a hut => a building
two large onions in the sea => two onions => onions => food
a single large blue frog under the sky => a large blue frog => a frog => an animal
"""

# Photographs from the web, in the manner of the published hierarchies.
_WEB = """
A man in a blue shirt rides a brown horse along the beach at sunset. => man riding a horse on a beach => man riding a horse => person
Two young girls are sharing a large slice of pepperoni pizza. => two girls sharing a slice of pizza => girls eating pizza => children
A wooden bench sits under a big tree covered with snow. => bench under a tree with snow => bench under a tree => bench
The kitchen has white cabinets, a stove and a stainless steel refrigerator. => kitchen with white cabinets and a stove => kitchen with a stove => kitchen
A brown and white dog leaping in the air to catch a red frisbee. => dog leaping to catch a frisbee => dog catching a frisbee => dog
A double-decker bus drives down a busy street in the rain. => bus on a busy street in the rain => bus on a street => vehicle
Several surfers carrying their boards across the sand towards the sea. => surfers carrying boards across the sand => surfers with boards => people
A vase with yellow tulips stands on a table beside a window. => vase with tulips on a table => vase with flowers => vase
A small airplane parked on the grass next to a hangar. => small airplane parked on grass => airplane on the ground => airplane
A group of zebras drinking water at a pond in the savanna. => zebras drinking water at a pond => zebras at a pond => animals
A woman wearing a red coat is talking on her phone at a train station. => woman in a coat talking on her phone => woman on a phone => woman
An old clock tower rises above the roofs of a small town. => clock tower above the roofs of a town => clock tower => tower
"""


def _prompt(version: str, text: str) -> Prompt:
    examples = []
    for line in text.strip().split("\n"):
        specific, third, second, general = line.split(f" {SEPARATOR} ")
        examples.append((general, second, third, specific))
    return Prompt(version, "", tuple(examples))


PROMPTS = {
    prompt.version: prompt for prompt in (_prompt("objects-1", _OBJECTS), _prompt("web-1", _WEB))
}


def get_prompt(version: str) -> Prompt:
    """Return a prompt by its version; InputError where there is none."""
    if version not in PROMPTS:
        raise InputError(
            f"generation.prompt: found {version!r}, expected one of {', '.join(PROMPTS)}"
        )
    return PROMPTS[version]
