"""What ``examples/`` shows is run, on tiny models: a loop, and the trainers of two libraries."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tiny_transformers import tiny_clip
from transformers import AutoTokenizer, CLIPModel, TrainingArguments

import hierarcaps

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = {"goat": "boat", "cow": "car", "duck": "bus", "hen": "van"}


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny_clip(tmp_path / "model"))


@pytest.fixture
def table(tmp_path: Path) -> str:
    def chain(name: str, kind: str) -> str:
        return f"{name} => {kind} => a {kind} => a red {kind}"

    rows = [f"{chain('beast', kind)},{chain('thing', other)}" for kind, other in KINDS.items()]
    (tmp_path / "items.csv").write_text("\n".join(["positive,negative", *rows]) + "\n")
    return str(tmp_path / "items.csv")


def test_all_examples_are_run_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "torch_loop", "hugging_face_trainer", "sentence_transformers_trainer",
    }  # fmt: skip


def changed(before: str, after: CLIPModel) -> set[str]:
    """Return the towers of which something changed."""
    old = CLIPModel.from_pretrained(before).state_dict()
    new = after.state_dict()
    return {name.split(".")[0] for name in new if not torch.equal(new[name], old[name])}


def test_a_loop_of_ones_own(model: str, table: str, tmp_path: Path, capsys):
    module = example("torch_loop")
    module.main([model, table, str(tmp_path / "trained")])
    assert capsys.readouterr().out.startswith("step 0: ")
    trained = CLIPModel.from_pretrained(tmp_path / "trained")
    assert changed(model, trained) == {"text_model", "text_projection"}
    assert hierarcaps.load_model(str(tmp_path / "trained")), "what was saved can be probed"
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(model)
    items = hierarcaps.read_hierarchies(table)
    losses = list(module.train(trained, tokenizer, items, learning_rate=1e-3, epochs=30))
    assert losses[-1] < losses[0] - 0.1


def test_a_trainer_of_transformers(model: str, table: str, tmp_path: Path):
    module = example("hugging_face_trainer")
    module.main([model, table, str(tmp_path / "trained")])
    trained = CLIPModel.from_pretrained(tmp_path / "trained")
    assert changed(model, trained) == {"text_model", "text_projection"}
    assert hierarcaps.load_model(str(tmp_path / "trained")), "what was saved can be probed"
    tokenizer, items = AutoTokenizer.from_pretrained(model), hierarcaps.read_hierarchies(table)
    settings = TrainingArguments(
        str(tmp_path / "more"), learning_rate=1e-3, num_train_epochs=30, use_cpu=True,
        report_to="none", logging_steps=1, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = module.radial_trainer(trained, tokenizer, items, settings)
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert losses[-1] < losses[0] - 0.1


@pytest.fixture
def radial() -> ModuleType:
    for name in ("sentence_transformers", "datasets"):
        pytest.importorskip(name)
    return example("sentence_transformers_trainer")


def test_a_trainer_of_sentence_transformers(
    radial: ModuleType, model: str, table: str, tmp_path: Path
):
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments

    radial.main([model, table, str(tmp_path / "trained")])
    trained = SentenceTransformer(str(tmp_path / "trained"), device="cpu")
    assert changed(model, trained[0].model) == {"text_model", "text_projection"}
    settings = SentenceTransformerTrainingArguments(
        str(tmp_path / "more"), learning_rate=1e-3, num_train_epochs=10, use_cpu=True,
        report_to="none", logging_steps=1, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = radial.radial_trainer(trained, hierarcaps.read_hierarchies(table), settings)
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert losses[-1] < losses[0] - 0.1


def test_sentence_transformers_computes_the_same_loss(radial: ModuleType, model: str, table: str):
    from sentence_transformers import SentenceTransformer

    items = hierarcaps.read_hierarchies(table)
    tokenizer = AutoTokenizer.from_pretrained(model)
    (loop,) = example("torch_loop").train(CLIPModel.from_pretrained(model), tokenizer, items)
    other = SentenceTransformer(model, device="cpu")
    rows = radial.triplets(items)
    columns = [other.preprocess(list(rows[name])) for name in rows.column_names]
    assert loop == pytest.approx(radial.RadialLoss(other)(columns).item(), abs=1e-5)


def test_both_compute_one_loss(model: str, table: str):
    items = hierarcaps.read_hierarchies(table)
    tokenizer = AutoTokenizer.from_pretrained(model)
    (loop,) = example("torch_loop").train(CLIPModel.from_pretrained(model), tokenizer, items)
    module = example("hugging_face_trainer")
    loss = module.RadialTrainer.compute_loss(
        module.RadialTrainer, CLIPModel.from_pretrained(model), module.Triplets(tokenizer)(items)
    )
    assert loop == pytest.approx(loss.item(), abs=1e-5)
