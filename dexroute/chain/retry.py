"""When and how long to wait before asking again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)
from tenacity.stop import stop_base

from dexroute.errors import DexError, RateLimited, RpcUnreachable, StaleData

Answer = TypeVar("Answer")
_PASSING: Final = (RpcUnreachable, RateLimited, StaleData)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most `attempts` calls within `total_ms`, waiting exponentially longer with jitter, never more than `max_wait_ms` at once.

    A server's Retry-After is obeyed up to `max_wait_ms`; one that asks for longer is not asked again.
    """

    attempts: int = 4
    first_wait_ms: int = 200
    max_wait_ms: int = 10_000
    total_ms: int = 30_000


async def with_retries(
    call: Callable[[], Awaitable[Answer]], policy: RetryPolicy, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Answer:
    """`call` until it answers. For reads only: a repeated call must mean nothing.

    Unreachable, rate-limited and lagging servers are asked again; any other error is raised at once. Raises the last error,
    with the number of calls in its context.
    """
    started_s = monotonic()
    try:
        return await call()
    except _PASSING as error:
        failed = error
    except DexError as error:
        error.context["calls"] = 1
        raise
    retrying = _retrying(policy, max(0.0, policy.total_ms / 1000 - (monotonic() - started_s)), sleep)
    try:
        async for attempt in retrying:
            with attempt:
                # the first is made already: most calls need none of this, which costs more than they do
                if attempt.retry_state.attempt_number == 1:
                    raise failed
                return await call()
    except DexError as error:
        error.context["calls"] = retrying.statistics.get("attempt_number", 1)
        raise
    raise AssertionError("unreachable: the last error is reraised")


def _retrying(policy: RetryPolicy, left_s: float, sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
    first_s = policy.first_wait_ms / 1000
    backoff = wait_exponential(multiplier=first_s, max=policy.max_wait_ms / 1000) + wait_random(0, first_s)

    def wait_s(state: RetryCallState) -> float:
        asked_ms = _asked_wait_ms(state)
        if asked_ms is not None:
            return max(backoff(state), asked_ms / 1000)
        # Public endpoints count requests over seconds; asking again soon only prolongs it.
        patience = 4 if state.outcome and isinstance(state.outcome.exception(), RateLimited) else 1
        return min(backoff(state) * patience, policy.max_wait_ms / 1000)

    return AsyncRetrying(
        retry=retry_if_exception_type(_PASSING),
        stop=stop_after_attempt(policy.attempts) | stop_after_delay(left_s) | _AskedToWaitTooLong(policy.max_wait_ms),
        wait=wait_s,
        sleep=sleep,
        reraise=True,
    )


def _asked_wait_ms(state: RetryCallState) -> int | None:
    error = state.outcome.exception() if state.outcome else None
    asked = error.context.get("retry_after_ms") if isinstance(error, DexError) else None
    return asked if isinstance(asked, int) else None


class _AskedToWaitTooLong(stop_base):
    def __init__(self, max_wait_ms: int) -> None:
        self._max_wait_ms = max_wait_ms

    def __call__(self, retry_state: RetryCallState) -> bool:
        asked_ms = _asked_wait_ms(retry_state)
        return asked_ms is not None and asked_ms > self._max_wait_ms
