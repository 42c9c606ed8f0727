"""Reads what a sentence-transformers checkpoint says it is made of, and refuses what is not known.

The layout: ``modules.json`` lists modules that are applied one after another, each with a folder of
its own (of the first it is often the checkpoint's): a transformer, its pooling, and then any number
of normalisations and linear layers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hierarcaps.models.hub import SMALL_FILES, VOCABULARY_FILES, hub_file, hub_folder
from hierarcaps.models.transformers_family.source import (
    CONFIG_FILE,
    REPOSITORY,
    WEIGHTS,
    Checkpoint,
    checkpoint_in,
    read_json,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.weights_files import refuse_pointers

MODULES_FILE = "modules.json"
POOLINGS = ("mean", "cls", "max", "lasttoken")
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU")
DENSE_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# The names that the settings of the transformer had over time, in the library's order.
_TRANSFORMER_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
_TRANSFORMER_KEYS = (
    "max_seq_length", "do_lower_case", "transformer_task", "modality_config", "module_output_name",
)  # fmt: skip
_DENSE_KEYS = (
    "in_features", "out_features", "bias", "activation_function", "module_input_name",
    "module_output_name",
)  # fmt: skip
_OLD_POOLING = "pooling_mode_"
_OLD_MODES = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
_SENTENCE = "sentence_embedding"


@dataclass(frozen=True)
class Dense:
    """A linear layer over pooled embeddings: its sizes, activation and file of weights."""

    in_features: int
    out_features: int
    bias: bool
    activation: str
    weights: Path


@dataclass(frozen=True)
class SentenceSource:
    """What a sentence encoder is made of.

    Attributes:
        transformer: its checkpoint.
        pooling: one of ``POOLINGS``.
        layers: applied to the pooled embedding in turn; None is a normalisation.
        longest: tokens of a text at most; None for as many as the transformer takes.
        lower_case: whether texts are lower-cased before they are tokenised.
        prompt: what every text begins with.
    """

    transformer: Checkpoint
    pooling: str
    layers: tuple[Dense | None, ...]
    longest: int | None
    lower_case: bool
    prompt: str


def find_sentence_encoder(name: str) -> SentenceSource:
    """Resolve a local folder, or the id of a repository on the Hugging Face hub.

    Raises:
        InputError: no such folder or repository, no network, files missing, or a module, a pooling
            or a setting that is not known here.
    """
    folder, repository = Path(name), None
    if not folder.is_dir():
        if not REPOSITORY.fullmatch(name) or name.startswith("."):
            raise InputError(
                f"model {name}: no such folder, and no id of a repository (organisation/name)"
            )
        folder, repository = hub_file(name, [MODULES_FILE]).parent, name
    elif not (folder / MODULES_FILE).is_file():
        raise InputError(f"model {name}: {MODULES_FILE} is missing in this folder")
    modules = _modules(folder / MODULES_FILE)
    kinds = [kind for kind, _ in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or {*kinds[2:]} - {"Dense", "Normalize"}:
        raise InputError(
            f"{folder / MODULES_FILE}: found {', '.join(kinds) or 'no module'}, expected "
            "Transformer, Pooling and then Dense or Normalize"
        )
    if repository:
        folder = _download(repository, modules)
    (_, of_transformer), (_, of_pooling), *rest = modules
    settings = _transformer_settings(folder / of_transformer)
    prompt = _prompt(folder / "config_sentence_transformers.json")
    return SentenceSource(
        _transformer(name, folder / of_transformer, repository),
        _pooling(folder / of_pooling / CONFIG_FILE, prompt),
        tuple(_layer(kind, folder / path) for kind, path in rest),
        settings.get("max_seq_length"),
        settings.get("do_lower_case", False),
        prompt,
    )


def _modules(path: Path) -> list[tuple[str, str]]:
    """Return each module's class and folder; names of other packages stay whole."""
    listed = read_json(path)
    try:
        found = [(str(each["type"]), str(each["path"])) for each in listed]
    except (TypeError, KeyError):
        raise InputError(f"{path}: expected a list of modules with a type and a path") from None
    for _, part in found:
        if PurePosixPath(part).is_absolute() or ".." in PurePosixPath(part).parts:
            raise InputError(f"{path}: found the path {part!r}, expected a folder below this one")
    # The library has moved its classes from version to version; their names stayed.
    of_library = "sentence_transformers."
    return [
        (kind.rpartition(".")[2] if kind.startswith(of_library) else kind, part)
        for kind, part in found
    ]


def _download(repository: str, modules: list[tuple[str, str]]) -> Path:
    def below(part: str, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(PurePosixPath(part, name)) for name in names)

    (_, transformer), (_, pooling), *rest = modules
    groups = [(CONFIG_FILE,), VOCABULARY_FILES, WEIGHTS]
    required = [(MODULES_FILE,), *(below(transformer, names) for names in groups)]
    required.append(below(pooling, (CONFIG_FILE,)))
    for kind, part in rest:
        if kind == "Dense":
            required += [below(part, (CONFIG_FILE,)), below(part, DENSE_WEIGHTS)]
    return hub_folder(repository, required, SMALL_FILES)


def _transformer(name: str, folder: Path, repository: str | None) -> Checkpoint:
    refuse_pointers(folder)
    for names in ((CONFIG_FILE,), VOCABULARY_FILES, WEIGHTS):
        if not any((folder / each).is_file() for each in names):
            raise InputError(f"model {name}: {names[0]} is missing in {folder}")
    if _settings(folder / CONFIG_FILE).get("is_encoder_decoder"):
        raise InputError(
            f"model {name}: its transformer has an encoder and a decoder, expected an encoder"
        )
    return checkpoint_in(folder, "AutoModel", repository)


def _transformer_settings(folder: Path) -> Mapping[str, Any]:
    path = next((folder / name for name in _TRANSFORMER_FILES if (folder / name).is_file()), None)
    if path is None:
        return {}
    settings = _known(path, _TRANSFORMER_KEYS)
    task = settings.get("transformer_task", "feature-extraction")
    output = settings.get("module_output_name", "token_embeddings")
    if (task, output) != ("feature-extraction", "token_embeddings"):
        raise InputError(
            f"{path}: found the task {task!r} and the output {output!r}, expected "
            "'feature-extraction' and 'token_embeddings'"
        )
    longest = settings.get("max_seq_length")
    if longest is not None and (not isinstance(longest, int) or longest < 1):
        raise InputError(f"{path}: max_seq_length is {longest!r}, expected a whole number above 0")
    return settings


def _pooling(path: Path, prompt: str) -> str:
    settings = _settings(path)
    found = settings.get("pooling_mode")
    if found is None:
        on = [key for key, value in settings.items() if key.startswith(_OLD_POOLING) and value]
        modes = [key.removeprefix(_OLD_POOLING) for key in on]
        found = "+".join(_OLD_MODES.get(mode, mode) for mode in modes)
    if found not in POOLINGS:
        raise InputError(f"{path}: the pooling is {found!r}, expected one of {', '.join(POOLINGS)}")
    if prompt and not settings.get("include_prompt", True):
        raise InputError(
            f"{path}: the prompt {prompt!r} is left out of the pooling, expected one that is in it"
        )
    return found


def _layer(kind: str, folder: Path) -> Dense | None:
    path = folder / CONFIG_FILE
    if kind == "Normalize":
        if path.is_file():
            _of_sentences(path, _settings(path))
        return None
    settings = _known(path, _DENSE_KEYS)
    _of_sentences(path, settings)
    activation = str(settings.get("activation_function", "torch.nn.modules.activation.Tanh"))
    package, _, short = activation.rpartition(".")
    if not package.startswith("torch.nn.modules.") or short not in ACTIVATIONS:
        raise InputError(
            f"{path}: the activation is {activation!r}, expected one of {', '.join(ACTIVATIONS)}"
        )
    weights = next((folder / each for each in DENSE_WEIGHTS if (folder / each).is_file()), None)
    if weights is None:
        raise InputError(f"{folder}: {DENSE_WEIGHTS[0]} is missing in this folder")
    taken, given = (settings.get(key) for key in ("in_features", "out_features"))
    if not isinstance(taken, int) or not isinstance(given, int) or min(taken, given) < 1:
        raise InputError(f"{path}: the features are {taken!r} and {given!r}, expected numbers")
    return Dense(taken, given, bool(settings.get("bias", True)), short, weights)


def _of_sentences(path: Path, settings: Mapping[str, Any]) -> None:
    for key in ("module_input_name", "module_output_name"):
        if settings.get(key) not in (None, _SENTENCE):
            raise InputError(f"{path}: {key} is {settings[key]!r}, expected {_SENTENCE!r}")


def _prompt(path: Path) -> str:
    """Return what the checkpoint puts before every text that names no prompt of its own."""
    if not path.is_file():
        return ""
    settings = _settings(path)
    name, prompts = settings.get("default_prompt_name"), settings.get("prompts") or {}
    if name is None:
        return ""
    if not isinstance(prompts, Mapping) or not isinstance(prompts.get(name), str):
        raise InputError(f"{path}: default_prompt_name is {name!r}, expected one of its prompts")
    return prompts[name]


def _known(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    settings = _settings(path)
    unknown = sorted({key for key, value in settings.items() if value is not None} - {*keys})
    if unknown:
        raise InputError(f"{path}: unknown setting {unknown[0]!r}, expected {', '.join(keys)}")
    return settings


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected settings of a sentence encoder")
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: found no settings, expected keys and values")
    return content
