"""The card of a model: where it comes from and what was measured, as far as files tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hierarcaps import __version__
from hierarcaps.models.export import OPEN_CLIP, SENTENCE_TRANSFORMERS, TRANSFORMERS, Exported
from hierarcaps.publishing.markdown import UNKNOWN, code, listed, settings, table
from hierarcaps.publishing.study_files import Origin

PAPER = "Emergent Visual-Semantic Hierarchies in Image-Text Representations (ECCV 2024)"
_LOSSES = {"re": "radial-embedding (RE)", "ec": "entailment-cone (EC)"}
_GENERATED = "data/hierarcaps/"
_USE = {
    TRANSFORMERS: "from transformers import AutoModel, AutoProcessor\n\n"
    "model = AutoModel.from_pretrained({name!r})\n"
    "processor = AutoProcessor.from_pretrained({name!r})",
    OPEN_CLIP: "import open_clip\n\n"
    "model, preprocess = open_clip.create_model_from_pretrained({prefixed!r})\n"
    "tokenizer = open_clip.get_tokenizer({prefixed!r})",
    SENTENCE_TRANSFORMERS: "from sentence_transformers import SentenceTransformer\n\n"
    "model = SentenceTransformer({name!r})",
}


def model_card(
    name: str,
    exported: Exported,
    origin: Origin,
    *,
    repository: str | None = None,
    base_model: str | None = None,
    licence: str | None = None,
    datasets: Sequence[str] = (),
) -> str:
    """Return ``README.md``: front matter as the Hugging Face hub reads it, and the text.

    Args:
        name: of the model.
        exported: what was written beside it.
        origin: what the files of its study say.
        repository: where it goes on the hub; None for a folder.
        base_model: repository of the weights that it comes from; None where they are local.
        licence: identifier of the licence; None where it is not known.
        datasets: repositories of what it was trained on.
    """
    from huggingface_hub import ModelCardData

    evaluations = list(_evaluations(origin))
    data = ModelCardData(
        license=licence or UNKNOWN,
        library_name=exported.libraries[0],
        pipeline_tag="zero-shot-image-classification",
        tags=sorted({"clip", "hierarcaps", "visual-semantic-hierarchy", *exported.libraries}),
        base_model=base_model,
        datasets=list(datasets) or None,
        model_name=name if evaluations else None,
        eval_results=evaluations or None,
    )
    parts = [
        f"# {name}",
        _summary(exported, origin, base_model),
        *_usage(exported, repository or name, local=repository is None),
        "## Where it comes from",
        _source(exported, origin, base_model, licence),
        "## Training data",
        _training_data(origin, datasets),
        "## Recipe",
        _recipe(origin),
        "## Results",
        _results(origin),
        "## Limits",
        _limits(exported, origin),
    ]
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n"


def _summary(exported: Exported, origin: Origin, base_model: str | None) -> str:
    millions = exported.provenance["parameters"] / 1e6
    what = f"A model of images and texts in one space, of {millions:.3g} million parameters"
    if not origin.aligned or origin.run is None:
        return f"{what}, written by hierarcaps {__version__} with its weights unchanged."
    loss = _LOSSES.get(origin.run.objective, code(origin.run.objective))
    return (
        f"{what}: {base_model or code(origin.run.model)}, whose text tower was then fine-tuned "
        f"with the {loss} loss on caption hierarchies, after *{PAPER}*. Its image tower is "
        "unchanged."
    )


def _usage(exported: Exported, name: str, local: bool) -> Iterator[str]:
    yield "## Use"
    prefixed = f"{'local-dir' if local else 'hf-hub'}:{name}"
    for library in exported.libraries:
        yield f"```python\n{_USE[library].format(name=name, prefixed=prefixed)}\n```"


def _source(exported: Exported, origin: Origin, base_model: str | None, licence: str | None) -> str:
    run, provenance = origin.run, exported.provenance
    facts = {
        "base model": code(base_model) if base_model else _local_base(origin),
        "licence": code(licence) if licence else "",
        "weights that were exported": f"{code(provenance['weights_file'])}, SHA-256 "
        f"{code(provenance['weights_sha256'])}",
        "seed": str(run.seed) if run else "",
    }
    if origin.aligned:
        facts["seed"] += f" (order of the training items); base: {origin.base_seed}"
    versions = ", ".join(f"{key} {value}" for key, value in sorted(origin.versions.items()))
    return listed({**facts, "versions": versions})


def _local_base(origin: Origin) -> str:
    if origin.run is None:
        return ""
    if _variant(origin):
        return f"none, {code(origin.run.model)} was pre-trained from scratch in the same study"
    known = [str(value) for key, value in origin.base.items() if key not in ("seeds", "root")]
    return f"a local checkpoint, {code(' '.join(known))}" if known else ""


def _variant(origin: Origin) -> Mapping[str, Any]:
    """Return the settings by which the study pre-trained the model; empty where it did not."""
    pretrain = origin.params.get("pretrain", {})
    variant = pretrain.get("variants", {}).get(origin.run.model) if origin.run else None
    return {} if variant is None else {**pretrain.get("training", {}), **variant}


def _training_data(origin: Origin, datasets: Sequence[str]) -> str:
    facts: dict[str, str] = {}
    for name, found in origin.tables.items():
        size = f"{found[0]:,} items, SHA-256 {code(found[1])}" if found else "absent, size unknown"
        facts[f"hierarchies {code(name)}"] = size
    if any(name.startswith(_GENERATED) for name in origin.tables):
        generation = origin.params.get("generation", {})
        facts["written by"] = code(generation.get("seeds", {}).get("llm", {}).get("model", UNKNOWN))
        facts["judged by"] = code(origin.params.get("nli", {}).get("model", UNKNOWN))
    if _variant(origin):
        scenes = origin.params.get("scenes", {})
        facts["pre-training"] = (
            f"{scenes.get('train', UNKNOWN)} drawn scenes with "
            f"{scenes.get('captions_per_image', UNKNOWN)} captions each"
            if _variant(origin).get("steps")
            else "none: its weights are random"
        )
    else:
        facts["pre-training"] = "" if origin.run is None else "that of the base model"
    if datasets:
        facts["on the hub"] = ", ".join(map(code, datasets))
    return listed(facts)


def _recipe(origin: Origin) -> str:
    parts = []
    if origin.aligned and origin.run and "alignment" in origin.params:
        alignment = origin.params["alignment"]
        own = alignment.get("objectives", {}).get(origin.run.objective, {})
        parts += ["Alignment:", settings({**alignment.get("recipe", {}), **own})]
    if _variant(origin):
        parts += ["Pre-training:", settings(_variant(origin))]
    return "\n\n".join(parts) or UNKNOWN.capitalize() + "."


def _results(origin: Origin) -> str:
    if not origin.results:
        found = "those found are of other weights" if origin.others else "none were found"
        return f"{UNKNOWN.capitalize()}: {found}."
    before = {
        (each["task"], each["provenance"].get("data_sha256"), name): metric
        for each in origin.base_results
        for name, metric in each["metrics"].items()
    }
    rows = [
        [
            each["task"],
            name,
            _number(metric),
            _number(before.get((each["task"], each["provenance"].get("data_sha256"), name))),
            str(metric["n"]),
        ]
        for each in origin.results
        for name, metric in sorted(each["metrics"].items())
    ]
    headings = ["task", "metric", "value [95% interval]", "before alignment", "n"]
    if not origin.base_results:
        headings.pop(3)
        rows = [[*row[:3], row[4]] for row in rows]
    where = (
        f"On {_test_set(origin)}, with bootstrap intervals over test items: they say nothing of "
        "other seeds."
    )
    return f"{where}\n\n{table(headings, rows)}"


def _number(metric: Mapping[str, Any] | None) -> str:
    if metric is None:
        return ""
    return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"


def _test_set(origin: Origin) -> str:
    source, size = (origin.test_set.get(key) for key in ("source", "n_items"))
    return f"{source or 'a test set of unknown name'}{f' ({size:,} items)' if size else ''}"


def _limits(exported: Exported, origin: Origin) -> str:
    limits = [
        "A text near the root (the empty string) is meant to be general. That holds on average and "
        "over the texts that were measured; a single radius proves nothing.",
        "Biases of the base model and of its data are in this model too; none were measured here.",
    ]
    if _variant(origin):
        limits.append("It knows drawn scenes and their captions alone: it is of no use on photos.")
    if exported.without:
        limits.append(f"transformers has no class for it: {exported.without}.")
    if exported.model_class == "CLIPModel":
        limits.append(
            "Image processors differ in how they resize by a grey level or two: libraries agree on "
            "embeddings where they are given the same pixels."
        )
    if not origin.results:
        limits.append("What it does on any test set is not known.")
    return "\n".join(f"- {limit}" for limit in limits)


def _evaluations(origin: Origin) -> Iterator[Any]:
    from huggingface_hub import EvalResult

    source = origin.test_set.get("source") or UNKNOWN
    for each in origin.results:
        for name, metric in sorted(each["metrics"].items()):
            yield EvalResult(
                task_type="zero-shot-image-classification",
                task_name=each["task"],
                dataset_type=source.replace(" ", "-"),
                dataset_name=source,
                metric_type=name,
                metric_name=f"{name}, 95% interval {metric['low']:.4f} to {metric['high']:.4f}",
                metric_value=metric["value"],
            )
