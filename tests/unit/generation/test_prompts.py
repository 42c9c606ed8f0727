import pytest
from hostile_captions import HOSTILE

from hierarcaps.generation.prompt_texts import PROMPTS, get_prompt
from hierarcaps.generation.prompts import augmentation_prompt, chain, parse_completion, parse_line
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes import taxonomy

CAPTION = "a small red duck on the beach"


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        (" a red duck => a duck => an animal", None),
        (" a red duck => a duck => an animal\nanother line => x", None),
        ("", "no_answer"),
        (" => => ", "no_answer"),
        (" a red duck => a duck", "tier_count"),
        (" a red duck => a duck => an animal => a thing", "tier_count"),
        (" a red duck => ... => an animal", "empty_tier"),
        (" a red duck => A duck. => a duck", "repeated_tier"),
        (" a duck => a red duck => an animal", "longer_tier"),
        (" a small red duck on the beach => a duck => an animal", "repeated_tier"),
        (" <b>a red duck</b> => a duck => an animal", "markup"),
    ],
)
def test_completions_are_parsed_strictly(completion, reason):
    parsed = parse_completion(CAPTION, completion)
    assert parsed.reason == reason
    if reason is None:
        assert parsed.tiers == ("an animal", "a duck", "a red duck", CAPTION)
    else:
        assert parsed.tiers is None


def test_chains_round_trip_through_the_parser():
    for prompt in PROMPTS.values():
        for example in prompt.examples:
            assert parse_line(chain(example)).tiers == example
        assert prompt.completion("x").endswith("\nx =>")
        assert augmentation_prompt(prompt.examples) == prompt.prefix()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_output_never_passes_for_five_tiers_or_breaks(text):
    parsed = parse_completion(CAPTION, f" {text}")
    assert (parsed.tiers is None) != (parsed.reason is None)
    parse_line(text)


def test_the_prompt_of_the_drawn_world_does_not_show_its_concepts():
    shown = get_prompt("objects-1").prefix()
    for noun in (taxonomy.NOUNS[concept] for concept in taxonomy.CONCEPTS):
        for form in {noun.singular, noun.plural}:
            assert f" {form} " not in shown.replace("\n", " ")


def test_unknown_prompt():
    with pytest.raises(InputError, match="expected one of objects-1, web-1"):
        get_prompt("none")
