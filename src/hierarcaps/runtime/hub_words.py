"""Asks the Hugging Face hub with patience, and says in a user's words why it gives nothing.

The hub's client, and libraries above it, raise a dozen unrelated types, and put the cause under
others. The client itself resumes what was cut and shares its cache among processes; of requests
that a busy hub refuses it repeats some, for half a minute: all are asked again here.
"""

import errno
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.patience import LATER_CODES, LaterError, patiently, seconds_of

Result = TypeVar("Result")
# A disk that is full, or closed to writers.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def ask_hub(what: str, repository: str, work: Callable[[], Result]) -> Result:
    """Return ``work()``, which takes files of a repository from the hub or from its cache.

    Args:
        what: the name in the sentences, e.g. ``model openai/clip``.
        repository: ``organisation/name``.
        work: asks the hub; called again where the hub is busy or a transfer was cut.

    Raises:
        InputError: the repository is gated; the hub stays busy; no room for its files, or a cache
            that cannot be written.
        Exception: what else ``work`` raises.
    """

    def once() -> Result:
        try:
            return work()
        except InputError:
            raise
        except Exception as error:
            if later := _later(error):
                raise later from error
            raise

    try:
        return patiently(what, once)
    except InputError:
        raise
    except Exception as error:
        if why := _why_refused(repository, error):
            raise InputError(f"{what}: {why}") from None
        raise


def _later(error: Exception) -> LaterError | None:
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import parse_ratelimit_headers

    for each in _chain(error):
        name = type(each).__name__
        if isinstance(each, HfHubHTTPError) and each.response.status_code in LATER_CODES:
            headers = each.response.headers
            limit = parse_ratelimit_headers(headers)
            reset = limit.reset_in_seconds if limit and not limit.remaining else 0
            seconds = max(reset, seconds_of(headers.get("Retry-After")))
            return LaterError(f"the hub answers {each.response.status_code}", seconds)
        if name in ("RemoteProtocolError", "ReadError") or "Consistency check failed" in str(each):
            return LaterError(f"the transfer was cut ({one_line(each)})")
    return None


def _why_refused(repository: str, error: Exception) -> str | None:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    for each in _chain(error):
        if isinstance(each, GatedRepoError):
            page = f"{constants.ENDPOINT}/{repository}"
            lacking = "give a token of that user (`hf auth login`, or HF_TOKEN)"
            if each.response.status_code == 403:
                lacking = "as the user of the token that was given"
            return f"this repository is gated: accept its licence on {page}, and {lacking}"
        if isinstance(each, OSError) and each.errno is not None and each.errno in _UNWRITABLE:
            return (
                f"{each.filename or constants.HF_HUB_CACHE}: cannot be written "
                f"({os.strerror(each.errno)}); HF_HOME names another folder for the hub's cache"
            )
        # Of files that are wanted from the cache alone, the client says that they are not there.
        offline = constants.HF_HUB_OFFLINE and isinstance(each, LocalEntryNotFoundError)
        if offline or isinstance(each, OfflineModeIsEnabled):
            return "not in the hub's cache, and HF_HUB_OFFLINE is set"
        # Its transport is another library from version to version.
        name = type(each).__name__
        if name == "ProxyError":
            return f"the proxy does not let the hub be reached ({one_line(each)})"
        if name in ("ConnectError", "ConnectTimeout", "ReadTimeout"):
            where = constants.ENDPOINT
            return f"not in the hub's cache, and {where} is not reached ({one_line(each)})"
    return None


def _chain(error: BaseException | None) -> Iterator[Exception]:
    """Yield an error and what it came from."""
    seen: set[int] = set()
    while isinstance(error, Exception) and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
