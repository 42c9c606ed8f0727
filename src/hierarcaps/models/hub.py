"""Files of Hugging Face repositories: from the cache where they are in it, else downloaded."""

import socket
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlparse

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.hub_words import ask_hub

HUB_PREFIX = "hf-hub:"
VOCABULARY_FILES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
"""A tokeniser of transformers has at least one of them."""
TOKENISER_FILES = (
    *VOCABULARY_FILES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
SMALL_FILES = ("*.json", "*.txt", "*.model")
"""Patterns of all files but the weights."""
_EXPECTED = "expected a local folder or weights file, or a repository that can be reached"


def hub_file(repository: str, file_names: Sequence[str]) -> Path:
    """Return the local path of the first of ``file_names`` that the repository has.

    A cached file is taken without asking the network.

    Raises:
        InputError: no network, no such repository, or none of the files is in it.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    def first() -> Path | None:
        for name in file_names:
            # A file that could not be asked for is none that the repository lacks.
            with suppress(RemoteEntryNotFoundError):
                return Path(hf_hub_download(repository, name))
        return None

    with _in_a_users_words(repository):
        if cached := _cached_file(repository, file_names):
            return cached
        _require_network(repository)
        if found := ask_hub(f"{HUB_PREFIX}{repository}", repository, first):
            return found
    raise InputError(f"hf-hub:{repository}: has none of the files {', '.join(file_names)}")


def hub_folder(repository: str, required: Sequence[Sequence[str]], patterns: Sequence[str]) -> Path:
    """Return the local folder of a repository with one file of each group in ``required``.

    Where all groups are cached, the network is not asked. Else all files that match ``patterns``
    are downloaded, and then, of each group, the first that the repository has.

    Raises:
        InputError: no network, no such repository, or none of the files of a group is in it.
    """
    from huggingface_hub import snapshot_download

    with _in_a_users_words(repository):
        if not all(_cached_file(repository, names) for names in required):
            _require_network(repository)
            ask_hub(
                f"{HUB_PREFIX}{repository}",
                repository,
                partial(snapshot_download, repository, allow_patterns=list(patterns)),
            )
    files = [hub_file(repository, names) for names in required]
    return files[0].parent


def is_cached(repository: str, file_names: Sequence[str]) -> bool:
    """Return whether one of ``file_names`` is in the cache."""
    return _cached_file(repository, file_names) is not None


def _cached_file(repository: str, file_names: Sequence[str]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for name in file_names:
        cached = try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    return None


def _require_network(repository: str) -> None:
    if not can_reach_hub():
        raise InputError(
            f"hf-hub:{repository}: not in the cache and there is no network, {_EXPECTED}"
        )


@contextmanager
def _in_a_users_words(repository: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        # The hub client raises its own errors, those of its transport, and ValueError for bad ids.
        raise InputError(
            f"hf-hub:{repository}: download failed ({one_line(error)}), {_EXPECTED}"
        ) from None


def can_reach_hub() -> bool:
    """Tell at once what the hub client would find out after a minute of retries."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if urllib.request.getproxies():
        return True  # the proxy resolves the name
    try:
        socket.getaddrinfo(urlparse(constants.ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True
