"""What each family reads of a text, as token ids: case, padding, ends, spaces, special tokens."""

import pytest
import torch
from open_clip.tokenizer import HFTokenizer
from tiny_transformers import TINY, tiny_align, tiny_siglip2

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import open_images
from hierarcaps.models.embed import embed_test_set
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip
from hierarcaps.models.transformers_family.encoder import load_transformers

CPU = torch.device("cpu")
START, END = 49406, 49407


@pytest.fixture(scope="module")
def clip() -> OpenClipEncoder:
    """open_clip's byte-pair tokeniser in a context of 8."""
    return OpenClipEncoder(open_clip.CLIP, None, open_clip.SimpleTokenizer(context_length=8), {})


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [START, END, 0, 0, 0, 0, 0, 0]),
        ("a dog", [START, 320, 1929, END, 0, 0, 0, 0]),
        ("A DOG", [START, 320, 1929, END, 0, 0, 0, 0]),
        ("  a   dog\n", [START, 320, 1929, END, 0, 0, 0, 0]),
        ("a dog a dog a dog a dog", [START, 320, 1929, 320, 1929, 320, 1929, END]),
    ],
)
def test_open_clip(clip, text, ids):
    assert clip.tokenise([text])[0].tolist() == ids


@pytest.mark.parametrize("spelled", ["<end_of_text>", "<End_Of_Text>", "<start_of_text>"])
def test_a_special_token_spelled_out_does_not_end_the_text(clip, spelled):
    found = clip.tokenise([f"a {spelled} dog"])[0].tolist()
    assert found[:2] == [START, 320]
    assert not {START, END} & set(found[1:-1])


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    made = {**TINY, "siglip2": tiny_siglip2}
    return {
        name: load_transformers(str(make(tmp_path_factory.mktemp(name))), CPU)
        for name, make in made.items()
    }


@pytest.mark.parametrize("family", ["clip", "align", "siglip", "siglip2"])
def test_case_and_outer_spaces_mean_nothing_to_those_trained_so(families, family):
    tokens = families[family].tokenise(["a dog", "A DOG", "a Dog"])
    assert (tokens == tokens[0]).all()
    inner = families[family].tokenise(["a dog", "a dog "])
    assert torch.equal(inner[0], inner[1]) or family == "siglip2"  # Gemma's keeps a last space


@pytest.mark.parametrize(
    ("family", "text", "start"),
    [
        ("clip", "a b", [512, 320, 321, 513]),
        ("align", "a b", [2, 5, 6, 3, 0]),
        ("siglip2", "a b", [5, 4, 6, 1, 0]),
    ],
)
def test_ids_of_transformers(families, family, text, start):
    assert families[family].tokenise([text])[0].tolist()[: len(start)] == start


@pytest.mark.parametrize(
    ("family", "spelled"),
    [("clip", "<|endoftext|>"), ("align", "[SEP]"), ("siglip", "</s>"), ("siglip2", "<eos>")],
)
def test_a_special_token_spelled_out_is_text(families, family, spelled):
    encoder = families[family]
    special = encoder._tokeniser.convert_tokens_to_ids(spelled)
    plain, with_it = encoder.tokenise(["a b", f"a {spelled} b"]).tolist()
    assert with_it.count(special) <= plain.count(special)
    assert with_it[0] == plain[0]
    assert special not in with_it[1:4]


@pytest.mark.parametrize("family", ["clip", "align", "siglip", "siglip2"])
def test_what_is_cut_off_is_counted(families, family):
    encoder = families[family]
    context = encoder.tokenise([""]).shape[1]
    texts = ["a", " ".join("ab" * context), " ".join("ba" * context)]
    assert encoder.truncated(texts) == 2
    assert encoder.truncated([]) == 0


def test_open_clip_counts_what_it_cuts_off(clip):
    fits, too_long = "a dog a dog a dog", "a dog a dog a dog a"
    assert clip.truncated([fits]) == 0
    assert clip.truncated([fits, too_long, ""]) == 1


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({}, "a a a a a a"),
        ({"clean": "canonicalize"}, "a. a. a. a. a. a."),  # full stops go before tokens are made
        ({"strip_sep_token": True}, "a a a a a a"),  # the end of a full row looks like padding
        ({"tokenizer_mode": "clips"}, "a a a a a"),  # start, end and a class token
    ],
)
def test_open_clip_counts_what_it_cuts_off_also_by_tokenisers_of_transformers(
    tmp_path, options, fits
):
    tokeniser = HFTokenizer(str(tiny_align(tmp_path)), context_length=8, **options)
    encoder = OpenClipEncoder(open_clip.CLIP, None, tokeniser, {})
    assert encoder.truncated(["a", "", fits]) == 0
    assert encoder.truncated(["a", fits + " a"]) == 1
    assert encoder.truncated([]) == 0


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a dog", [101, 1037, 3899, 102]),
        ("  A   Dog ", [101, 1037, 3899, 102]),
        ("a [SEP] dog", [101, 1037, 1031, 19802, 1033, 3899, 102]),
        ("a [PAD] dog", [101, 1037, 1031, 11687, 1033, 3899, 102]),
    ],
)
def test_open_clip_with_the_tokeniser_of_a_real_bert(real_data, text, ids):
    folder = real_data / "real_encoder"
    if not folder.is_dir():
        pytest.skip("no real encoder")
    tokeniser = HFTokenizer(str(folder), context_length=8)
    encoder = OpenClipEncoder(open_clip.CLIP, None, tokeniser, {})
    assert encoder.tokenise([text])[0].tolist() == [*ids, *[0] * (8 - len(ids))]
    assert encoder.tokenise(["a dog " * 9])[0].tolist() == [101, *[1037, 3899] * 3, 102]


def test_every_file_of_embeddings_says_how_many_texts_were_cut(tiny_encoder, tmp_path, capsys):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    tiers = ("animal", "dog", "a dog", "a dog on a hill " * 10)
    items = [CaptionHierarchy("0", tiers, "0.png")]
    path = tmp_path / "embeddings.safetensors"
    embed_test_set(tiny_encoder, items, open_images(tmp_path), path)
    assert read_embeddings(path).provenance["texts"] == {
        "embedded": 4,
        "truncated": 1,
        "context": tiny_encoder.tokenise([""]).shape[1],
    }
    assert "1 of 4 texts are longer than the " in capsys.readouterr().err
