"""Asks again, after growing pauses, for what a server refuses for a while; and says so."""

import email.utils
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from hierarcaps.runtime.errors import InputError

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")

LATER_CODES = (408, 429, 500, 502, 503, 504)
"""Of HTTP: a request that may be granted when it is made again."""
TRIES = 6
FIRST_WAIT = 2.0  # seconds; doubles at each try
LONGEST_WAIT = 600.0  # seconds, whatever a server asks for


class LaterError(Exception):
    """What may succeed later: why it did not, and for how many seconds a server asks to wait."""

    def __init__(self, why: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds


def patiently(what: str, work: Callable[[], Result], tries: int = TRIES) -> Result:
    """Return ``work()``, called again while it raises LaterError.

    Args:
        what: is asked for, in the sentences.
        work: raises LaterError where another try may succeed.
        tries: of them in all, >= 1.

    Raises:
        InputError: the last try raised LaterError, too.
    """
    # Here, since it brings asyncio and tornado, which no other job needs.
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    # Jobs that were refused together do not come back together.
    growing = wait_exponential_jitter(FIRST_WAIT, max=LONGEST_WAIT)

    def wait(state: "RetryCallState") -> float:
        return min(LONGEST_WAIT, max(growing(state), _error(state).seconds))

    def say(state: "RetryCallState") -> None:
        seconds = state.next_action.sleep if state.next_action else 0.0
        print(
            f"{what}: {_error(state)}; again in {seconds:.0f} s "
            f"(try {state.attempt_number} of {tries})",
            file=sys.stderr,
        )

    retrying = Retrying(
        retry=retry_if_exception_type(LaterError),
        stop=stop_after_attempt(tries),
        wait=wait,
        before_sleep=say,
        reraise=True,
    )
    try:
        return retrying(work)
    except LaterError as error:
        raise InputError(f"{what}: {error}, at each of {tries} tries") from error.__cause__


def seconds_of(retry_after: str | None) -> float:
    """Return for how many seconds a ``Retry-After`` (a number, or a date) asks to wait."""
    asked = (retry_after or "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        return email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
    except ValueError:
        return 0.0


def _error(state: "RetryCallState") -> LaterError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, LaterError)  # nothing else is tried again
    return error
