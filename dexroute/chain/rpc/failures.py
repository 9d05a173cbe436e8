"""Which error a node's refusal is."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Final

from dexroute.errors import AccessRefused, NetworkError, RateLimited, RpcError, RpcUnreachable, StaleData

# https://github.com/anza-xyz/agave, rpc-client-api/src/custom_error.rs
NODE_UNHEALTHY: Final = -32005
MIN_CONTEXT_SLOT_NOT_REACHED: Final = -32016
METHOD_NOT_FOUND: Final = -32601
_OF_THE_NODE: Final = (-32603, -32010, -32011)  # an internal error, no index for these accounts, no transaction history
RATE_LIMIT_CODES: Final = (429, -32429)  # not of Solana: what public endpoints and providers answer
REFUSED_ACCESS: Final = (401, 403)
_SECONDS: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})?")
_LONGEST_MS: Final = 10**12


def is_unsupported(error: BaseException) -> bool:
    """Whether the node said that it does not offer the method at all (-32601)."""
    return isinstance(error, RpcError) and error.context.get("rpc_code") == METHOD_NOT_FOUND


def none_helps(failures: Sequence[NetworkError]) -> NetworkError:
    """The error for a question that several endpoints were asked in vain: the first one's, and what became of the others. One that
    may pass comes before one that will not."""
    first, *others = sorted(failures, key=lambda failure: not failure.retryable)
    if not others:
        return first
    told = "; ".join(error.message for error in others)
    return type(first)(f"{first.message}. The other endpoints are of no help: {told}", **first.context)


def others_may_do_better(error: RpcError) -> bool:
    """Whether an error is this node's (it refuses access, lacks method or data, answers nonsense) and not the question's."""
    facts = error.context
    own = any(facts.get(name) for name in ("unsupported", "malformed", "http_status", "foreign"))
    return own or facts.get("rpc_code") in _OF_THE_NODE


def from_json_rpc(method: str, endpoint: str, code: int | None, message: str, *, retry_after_ms: int | None = None) -> NetworkError:
    """The error for a JSON-RPC error object. `message` is the node's, already safe to show."""
    if code is None:
        what = f"answered with an error that is none of JSON-RPC ({message}); is this a Solana JSON-RPC endpoint?"
        return RpcError(f"{method}: {endpoint} {what}", method=method, endpoint=endpoint, malformed=True)
    facts: dict[str, Any] = {"method": method, "endpoint": endpoint, "rpc_code": code}
    if code in RATE_LIMIT_CODES:
        return rate_limited(method, endpoint, retry_after_ms, rpc_code=code)
    if code == MIN_CONTEXT_SLOT_NOT_REACHED:
        return StaleData(f"{method}: {endpoint} has not reached the slot this read needs yet: {message}; try again", **facts)
    if code == NODE_UNHEALTHY:
        return StaleData(
            f"{method}: {endpoint} lags behind its cluster: {message}; try again or use another endpoint (-u)", **facts
        )
    if code == METHOD_NOT_FOUND:
        return RpcError(
            f"{method}: {endpoint} does not offer this method; use an endpoint that does (-u)", **facts, unsupported=True
        )
    return RpcError(f"{method}: {endpoint} answered with error {code}: {message}", **facts)


def from_http_status(method: str, endpoint: str, status: int, *, retry_after_ms: int | None, said: str = "") -> NetworkError:
    """The error for an HTTP answer that is not 200. `said` is the server's reason, already safe to show."""
    facts: dict[str, Any] = {"method": method, "endpoint": endpoint, "http_status": status}
    if status == 429:
        return rate_limited(method, endpoint, retry_after_ms, http_status=status)
    if status in REFUSED_ACCESS:
        why = f"HTTP {status}: {said}" if said else f"HTTP {status}"
        return AccessRefused(
            f"{method}: {endpoint} refuses access ({why}): its API key is missing, wrong or revoked, or the plan does not allow "
            "this; give a URL with a key that is accepted (-u, or the settings)",
            **facts,
        )
    if 300 <= status < 400:
        return RpcError(f"{method}: {endpoint} redirects elsewhere (HTTP {status}); give the final URL with -u", **facts)
    if status >= 500 or status == 408:
        if retry_after_ms is not None:
            facts["retry_after_ms"] = retry_after_ms
        return RpcUnreachable(
            f"{method}: {endpoint} is out of order (HTTP {status}); try again or use another endpoint (-u)", **facts
        )
    return RpcError(f"{method}: {endpoint} answered HTTP {status}; is this a Solana JSON-RPC endpoint?", **facts)


def lagging(method: str, endpoint: str, slot: int, needed: int) -> StaleData:
    """An answer from a slot before the one the caller needs."""
    return StaleData(
        f"{method}: {endpoint} answered for slot {slot}, this read needs {needed}; try again or use another endpoint (-u)",
        method=method,
        endpoint=endpoint,
        slot=slot,
        min_context_slot=needed,
    )


def rate_limited(method: str, endpoint: str, retry_after_ms: int | None, **facts: Any) -> RateLimited:
    """429 in any of its forms. `retry_after_ms` is what the node asked for, None when it did not say."""
    wait = f"; it asks to wait {-(-retry_after_ms // 1000)} s" if retry_after_ms is not None else ""
    return RateLimited(
        f"{method}: {endpoint} limits the rate of requests{wait}; wait, or use an endpoint with a larger allowance (-u)",
        method=method,
        endpoint=endpoint,
        retry_after_ms=retry_after_ms,
        **facts,
    )


def retry_after_ms(header: str | None) -> int | None:
    """A Retry-After header, in seconds or as an HTTP date, as milliseconds from now, rounded up: a server is never asked before the
    time it named. None when absent or unreadable."""
    if header is None:
        return None
    text = header.strip()
    if seconds := _SECONDS.fullmatch(text):
        # more than anybody waits is still an answer; the standard knows whole seconds, servers send fractions
        return min(ceil(Decimal(seconds[0]) * 1000), _LONGEST_MS)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, ceil((moment - datetime.now(UTC)) / timedelta(milliseconds=1)))
