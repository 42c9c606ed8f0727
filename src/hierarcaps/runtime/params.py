"""Validation of ``params.yaml`` and its overlays."""

import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from referencing.retrieval import to_cached_resource

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.yaml_text import repeated_keys

# jsonschema would compile grammars of formats that no schema here names, at a second per start.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
from jsonschema import Draft202012Validator, ValidationError  # noqa: E402

del sys.modules["rfc3987_syntax"]


def drop_nulls(params: Any) -> Any:
    """Return ``params`` without the keys that are null, at every depth.

    Overlays are merged into ``params.yaml`` key by key, so null is how an overlay removes a key (as
    in JSON merge patch, RFC 7396).
    """
    if isinstance(params, Mapping):
        return {key: drop_nulls(value) for key, value in params.items() if value is not None}
    return params


def validate(params: Mapping[str, Any], schema_path: str | Path) -> dict[str, Any]:
    """Return the validated parameters.

    Args:
        params: the merged parameters.
        schema_path: YAML file of the schema; a ``$ref`` in it is a file beside it, or in it.

    Raises:
        InputError: one sentence with the path of the first offending key, what was found and
            what is allowed.
    """
    params = {**drop_nulls(params)}
    _check_names(params)
    schema = {"$ref": Path(schema_path).resolve().as_uri()}
    registry: Registry = Registry(retrieve=_schema_file)  # type: ignore[call-arg]
    validator = Draft202012Validator(schema, registry=registry)
    errors = sorted(validator.iter_errors(params), key=lambda e: e.json_path)
    if errors:
        raise InputError(_sentence(errors[0]))
    _choose_models(params)
    _check_references(params)
    return params


def read_params(
    path: str | Path,
    overlays: Iterable[str | Path],
    schema_path: str | Path,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the validated parameters of a file, changed by overlays and ``changes`` in turn.

    Raises:
        InputError: a file that cannot be read, and as :func:`validate`.
    """
    params: dict[str, Any] = {}
    for each in (path, *overlays):
        try:
            content = yaml.safe_load(Path(each).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InputError(f"{each}: cannot be read ({one_line(error)})") from None
        if not isinstance(content, Mapping):
            raise InputError(f"{each}: found no parameters, expected YAML with keys and values")
        params = merge(params, content)
    return validate(merge(params, changes or {}), schema_path)


def merge(params: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``params`` with an overlay merged into them key by key, as Snakemake merges them."""
    merged = dict(params)
    for key, value in overlay.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _choose_models(params: dict[str, Any]) -> None:
    """Leave the models that ``probe.models`` names, where it does."""
    chosen = params["probe"].pop("models", None)
    if chosen is None:
        return
    models = params["models"]
    for name in chosen:
        if name not in models:
            near = difflib.get_close_matches(name, models, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InputError(
                f"params: probe.models: unknown model {name!r}{hint}; models has "
                f"{', '.join(models)}."
            )
    params["models"] = {name: entry for name, entry in models.items() if name in chosen}
    aligned = [name for name in params["alignment"]["models"] if name in chosen]
    params["alignment"] = {**params["alignment"], "models": aligned}


@to_cached_resource(loads=yaml.safe_load, from_contents=DRAFT202012.create_resource)
def _schema_file(uri: str) -> str:
    return Path(url2pathname(urlsplit(uri).path)).read_text(encoding="utf-8")


def check_repeated_keys(path: str | Path) -> None:
    """Check that no section of a YAML file has a key twice, of which YAML would keep the last.

    Raises:
        InputError: one does.
    """
    for key, first, second in repeated_keys(Path(path).read_text(encoding="utf-8")):
        raise InputError(
            f"{path}: line {second}: the key {key!r} is here a second time, after line {first}; "
            "expected once, since the second would replace the first."
        )


def _check_names(node: Any, where: str = "") -> None:
    """Check that all keys are text: YAML reads 2024 as a number, and no as false."""
    if isinstance(node, list):
        for index, each in enumerate(node):
            _check_names(each, f"{where}{index}.")
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        if not isinstance(key, str):
            kind = {bool: "yes or no", int: "a number", float: "a number"}.get(type(key), "no text")
            written = {True: "yes", False: "no"}[key] if isinstance(key, bool) else key
            raise InputError(
                f"params: {where.rstrip('.') or 'the top level'}: the name {written} is {kind} in "
                f'YAML, expected text: write it in quotes, "{written}".'
            )
        _check_names(value, f"{where}{key}.")


def _as_number(found: Any) -> str:
    """Return the advice how to write what looks like a number and is text in YAML 1.1."""
    looks = re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", found) if found else None
    if not looks:
        return ""
    whole, fraction, sign, exponent = looks.groups(default="")
    return f" (text in YAML: write {whole}{fraction.rstrip('.') or '.0'}e{sign or '+'}{exponent})"


def _sentence(error: ValidationError) -> str:
    """Turn a schema violation into one sentence that says where, what and what instead."""
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    found = error.instance
    match error.validator:
        case "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            unknown = sorted(set(found) - set(allowed))[0]
            near = difflib.get_close_matches(unknown, allowed, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            expected = f"unknown key {unknown!r}{hint}; allowed are {', '.join(allowed)}"
        case "required":
            missing = sorted(set(error.schema["required"]) - set(found))
            expected = f"missing key {missing[0]!r}"
        case "type":
            kinds = error.schema["type"]
            kinds = kinds if isinstance(kinds, str) else " or ".join(kinds)
            number = "number" in kinds or "integer" in kinds
            advice = _as_number(found) if number and isinstance(found, str) else ""
            expected = f"expected {kinds}, found {found!r}{advice}"
        case "enum":
            expected = f"expected one of {error.schema['enum']}, found {found!r}"
        case "oneOf" | "anyOf":
            expected = f"{error.schema.get('description', 'not of a known form')}, found {found!r}"
        case _:
            expected = error.message
    return f"params: {where}: {expected}."


def _check_references(params: Mapping[str, Any]) -> None:
    """Check what a schema cannot: names that refer to other sections."""
    architectures, training = params["pretrain"]["architectures"], params["pretrain"]["training"]
    for name, variant in params["pretrain"]["variants"].items():
        settings = {**training, **variant}
        trained, most = settings["steps"] > 0, params["scenes"]["captions_per_image"]
        if trained and settings["captions"] > most:
            raise InputError(
                f"params: pretrain.variants.{name}: expected at most scenes.captions_per_image "
                f"= {most} captions a step, found {settings['captions']}."
            )
        if ("entailment_weight" in variant) != (trained and variant.get("objective") == "meru"):
            raise InputError(
                f"params: pretrain.variants.{name}: expected 'entailment_weight' with the "
                "objective meru where it is trained, and there alone."
            )
        if variant["architecture"] not in architectures:
            raise InputError(
                f"params: pretrain.variants.{name}.architecture: unknown architecture "
                f"{variant['architecture']!r}; allowed are {', '.join(sorted(architectures))}."
            )
    unknown = [name for name in params["alignment"]["models"] if name not in params["models"]]
    if unknown:
        raise InputError(
            f"params: alignment.models: unknown model {unknown[0]!r}; models has "
            f"{', '.join(params['models'])}."
        )
    for name in params["alignment"]["models"]:
        if "text_only" in params["models"][name]:
            raise InputError(
                f"params: alignment.models: {name} is a sentence encoder (text_only); models of "
                "images and texts are aligned, this one is only probed."
            )
        path = params["models"][name].get("meru", "")
        if path and not Path(path).suffix:  # a published file can be a CLIP: it is seen when read
            raise InputError(
                f"params: alignment.models: {name} is on the hyperboloid; models on the sphere are "
                "aligned, this one is only probed."
            )
    for name, entry in params["models"].items():
        for family in ("open_clip", "meru"):
            _check_variant(f"models.{name}.{family}", entry.get(family, ""), family, params)


def _check_variant(key: str, name: str, family: str, params: Mapping[str, Any]) -> None:
    """Check that a model that is pre-trained here is a variant, and one of its family."""
    variants, parts = params["pretrain"]["variants"], Path(name).parts
    if parts[:1] != ("models",) or len(parts) != 3:
        return
    if parts[1] not in variants:
        raise InputError(
            f"params: {key}: no variant {parts[1]!r} to pre-train; "
            f"pretrain.variants has {', '.join(sorted(variants))}."
        )
    objective = variants[parts[1]].get("objective", "clip")
    if (objective == "meru") != (family == "meru"):
        raise InputError(
            f"params: {key}: the variant {parts[1]!r} has the objective {objective!r}, expected "
            f"{'meru' if family == 'meru' else 'clip'!r}."
        )
