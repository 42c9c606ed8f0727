import json

import pandas as pd
import pytest
from test_filter_and_recombine import GOOD, SEEDS, LogicNLI
from tiny_checkpoints import tiny_llama, tiny_t5

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.generation.datasheet import write_datasheet
from hierarcaps.generation.oracle import score
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import (
    gather,
    is_current,
    make_table,
    read_metadata,
    read_table,
    shard_key,
    shard_rows,
    write_table,
)
from hierarcaps.generation.steps.ablation import make_ablation
from hierarcaps.generation.steps.acceptance import make_accepted
from hierarcaps.generation.steps.augmentation import make_augmentation
from hierarcaps.generation.steps.captions import make_captions
from hierarcaps.generation.steps.dataset import make_items_table
from hierarcaps.generation.steps.hierarchy_model import make_hierarchy_model
from hierarcaps.generation.steps.items import make_items
from hierarcaps.generation.steps.recombination import make_recombination
from hierarcaps.generation.steps.seeds import make_seeds
from hierarcaps.runtime.errors import InputError

STEPS = "hierarcaps.generation.steps"
NLI = {"thresholds": {"entailment": 0.9, "contradiction": 0.9, "equivalence": 0.5}}


@pytest.fixture
def logic_nli(monkeypatch):
    for step in ("ablation", "acceptance", "recombination", "hierarchy_model", "items"):
        monkeypatch.setattr(f"{STEPS}.{step}.open_nli", lambda model, settings: LogicNLI())


def test_shards_cover_every_row_once():
    for count in (0, 1, 7, 100):
        rows = [row for shard in range(3) for row in shard_rows(count, shard, 3)]
        assert rows == list(range(count))
    with pytest.raises(InputError, match="shard 3 of 3"):
        shard_rows(10, 3, 3)


def test_tables_round_trip_with_key_and_are_gathered_in_order(tmp_path):
    rows = [
        {"caption": "א <b>👩‍👧</b>", "image": None, "tiers": list(GOOD)},
        {"caption": "x", "output": "y => z", "reason": "tier_count"},
    ]  # fmt: skip
    table = make_table(rows)
    key = shard_key("step", seed=1)
    write_table(tmp_path / "a.parquet", table, key, {"n": 2})
    write_table(tmp_path / "b.parquet", make_table([]), key)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), table)
    assert read_metadata(tmp_path / "a.parquet") == (key, {"n": 2})
    assert is_current(tmp_path / "a.parquet", key)
    assert not is_current(tmp_path / "a.parquet", shard_key("step", seed=2))
    assert not is_current(tmp_path / "none.parquet", key)
    assert len(gather([tmp_path / "b.parquet", tmp_path / "a.parquet"])) == 2
    (tmp_path / "c.parquet").write_bytes(b"half a file")
    assert not is_current(tmp_path / "c.parquet", key)
    with pytest.raises(InputError, match="not a readable table"):
        read_table(tmp_path / "c.parquet")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "d.parquet")
    with pytest.raises(InputError, match="found the columns x"):
        read_table(tmp_path / "d.parquet")


def test_captions_to_items_from_files_to_files(tmp_path, logic_nli, monkeypatch):
    captions, counts = tmp_path / "captions.parquet", tmp_path / "counts.json"
    source = tmp_path / "raw.csv"
    pd.DataFrame(
        {"caption": ["a red duck on the beach", "a small blue car in the snow"] * 4,
         "file": [f"{i}.png" for i in range(8)]}
    ).to_csv(source, index=False)  # fmt: skip
    limits = {"min_words": 4, "max_words": 60, "max_characters": 300}
    spec = {"path": source, "kind": "table", "image_column": "file"}
    make_captions([spec], ["0.png"], limits, captions, counts)
    assert json.loads(counts.read_text())["test_image"] == 1
    with pytest.raises(InputError, match="no usable caption is left, of 8"):
        make_captions([spec], [], limits | {"min_words": 50}, captions, counts)

    llm = {"model": tiny_llama(tmp_path / "llama"), "device": "cpu", "dtype": "float32"}
    settings = {
        "llm": llm, "prompt": "objects-1", "captions": 2, "max_new_tokens": 4, "temperature": 0.0,
    }  # fmt: skip
    seeds = [tmp_path / f"seeds{shard}.parquet" for shard in range(2)]
    for shard, path in enumerate(seeds):
        make_seeds(captions, shard, 2, settings, 0, path)
    assert sorted(gather(seeds)["caption"]) == sorted(pd.read_parquet(captions)["caption"])
    make_accepted(seeds, "nli", NLI, "objects-1", 0.1, 0, tmp_path / "accepted.parquet")

    production = {
        "captions": 2, "batch_size": 4,
        "positives": {"max_new_tokens": 6, "beams": 1},
        "negatives": {"tries": 2, "temperature": 1.0, "max_new_tokens": 6},
    }  # fmt: skip
    h = tiny_t5(tmp_path / "t5")
    items = [tmp_path / f"items{shard}.parquet" for shard in range(2)]
    for shard, path in enumerate(items):
        make_items(captions, shard, 2, h, production, "nli", NLI, 0, path)
    before = [path.read_bytes() for path in items]

    # A finished shard is not made again; a lost one comes back the same.
    items[1].unlink()
    opened = []
    monkeypatch.setattr(
        f"{STEPS}.items.HierarchyModel",
        lambda *args, **kw: (opened.append(1), HierarchyModel(*args, **kw))[1],
    )
    monkeypatch.setattr(
        f"{STEPS}.seeds.open_llm", lambda settings: pytest.fail("seeds were made again")
    )
    for shard, path in enumerate(items):
        make_items(captions, shard, 2, h, production, "nli", NLI, 0, path)
        make_seeds(captions, shard, 2, settings, 0, seeds[shard])
    assert opened == [1]
    assert [path.read_bytes() for path in items] == before
    assert len(gather(items)) == 2
    gathered, accepted = tmp_path / "all.parquet", tmp_path / "train.csv"
    with pytest.raises(InputError, match="none of 2 captions became an item"):
        make_items_table(items, gathered, accepted)
    assert not accepted.exists()


def test_accepted_items_are_gathered_in_the_official_format(tmp_path):
    negatives = ["a vehicle", "an owl", "a blue duck", "a red duck in the snow"]
    whole = {"tiers": list(GOOD), "negatives": negatives, "image": "a.png"}
    shards = [tmp_path / f"shard{number}.parquet" for number in range(2)]
    write_table(shards[0], make_table([whole, {"reason": "tier_count"}]), "k")
    write_table(shards[1], make_table([whole | {"image": None}]), "k")
    make_items_table(shards, tmp_path / "all.parquet", tmp_path / "train.csv")
    assert len(read_table(tmp_path / "all.parquet")) == 3
    items = read_hierarchies(tmp_path / "train.csv")
    assert [item.item_id for item in items] == ["0", "1"]
    assert [item.tiers for item in items] == [GOOD, GOOD]
    assert [item.negatives for item in items] == [tuple(negatives)] * 2


def test_augmentation_recombination_and_h_from_files(tmp_path, logic_nli):
    seeds = tmp_path / "seeds.parquet"
    held_out = {"tiers": ["an animal", "a cat", "a gray cat", "a gray cat at night"]}
    rows = [{"tiers": list(chain)} for chain in SEEDS] + [held_out | {"reason": "held_out"}]
    write_table(seeds, make_table(rows), "k")
    llm = {"model": tiny_llama(tmp_path / "llama"), "device": "cpu", "dtype": "float32"}
    settings = {
        "prompts": 2, "alike": False, "attested": True, "examples": 3, "completions": 4,
        "max_new_tokens": 5, "temperature": 1.0,
    }  # fmt: skip
    more = tmp_path / "more.parquet"
    captions = tmp_path / "captions.parquet"
    pd.DataFrame({"caption": ["some cars and owls"]}).to_parquet(captions)
    make_augmentation(seeds, captions, settings, llm, 0, more)
    assert len(read_table(more)) == 8
    assert read_table(more)["reason"].notna().all()
    made = tmp_path / "made.parquet"
    make_recombination([seeds, more], captions, 65, "nli", NLI, 0, made)
    assert len(read_table(made)) == 60
    model = {
        "model": None, "width": 16, "layers": 1, "heads": 2, "steps": 2, "batch_size": 4,
        "learning_rate": 1e-3, "seed": 0, "device": "cpu",
    }  # fmt: skip
    report = tmp_path / "report.json"
    make_hierarchy_model(
        [seeds, made], model, "nli", NLI, tmp_path / "h", tmp_path / "c.csv", report
    )
    assert json.loads(report.read_text())["n"] == 1
    # H's words are those that taught it: what is held out is not among them.
    assert (
        "cat" not in json.loads((tmp_path / "h" / "tokenizer.json").read_text())["model"]["vocab"]
    )
    assert not any("cat" in chain[1] for chain in read_table(made)["tiers"])
    validation = tmp_path / "validation.parquet"
    rows = {"caption": ["a red duck at night", "a duck"], "image": ["1", "2"]}
    pd.DataFrame(rows).to_parquet(validation)
    effect = tmp_path / "effect.json"
    make_ablation(
        seeds, seeds, captions, validation, {"steps": 1, "captions": 1}, model, 65, "nli", NLI, 0,
        True, effect,
    )  # fmt: skip
    measured = json.loads(effect.read_text())
    assert (measured["steps"], measured["added"]) == (1, len(SEEDS))
    assert measured["right"]["difference"]["n"] == 1
    make_augmentation(seeds, captions, settings | {"prompts": 0}, {"model": "none"}, 0, more)
    assert read_table(more).empty


def test_the_datasheet_shows_what_left_and_why(tmp_path):
    seeds = make_table(
        [{"tiers": list(GOOD), "source": "llm", "caption": GOOD[3], "output": "x"}]
        + [{"reason": "tier_count", "source": "llm", "caption": "<b>" * 999}] * 9
    )
    negatives = ["a vehicle", "an owl", "a blue duck", "a red duck in the snow"]
    items = make_table([{"tiers": list(GOOD), "negatives": negatives, "source": "hierarchy model"}])
    path = tmp_path / "datasheet.json"
    sheet = write_datasheet(
        path, {"entered": 12, "kept": 10}, {"seeds": seeds, "items": items}, items,
        get_prompt("objects-1"), score=score, reports={"nli": {"accuracy": 1.0}},
    )  # fmt: skip
    assert json.loads(path.read_text()) == sheet
    step = sheet["steps"]["seeds"]
    assert (step["entered"], step["accepted"], step["reasons"]) == (10, 1, {"tier_count": 9})
    assert len(step["examples"]["tier_count"]) == 5
    assert len(step["examples"]["tier_count"][0]["caption"]) == 200
    assert step["oracle"]["accepted"]["positives"] == 1.0
    assert sheet["steps"]["items"]["oracle"]["accepted"]["all_eight"] == 1.0
    assert [tier["mean"] for tier in sheet["lengths"]["tiers"]] == [2, 2, 3, 6]
    assert sheet["vocabulary"]["words"] == 8
    assert sheet["nli"] == {"accuracy": 1.0}
    assert sheet["validation"]["entered"] == 1
    nothing = make_table([])
    bare = write_datasheet(path, {}, {"items": nothing}, nothing, get_prompt("web-1"))
    assert "oracle" not in bare["steps"]["items"]
