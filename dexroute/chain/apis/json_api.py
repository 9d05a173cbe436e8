"""GET requests for JSON documents: bounded in time and size, retried, every failure a typed error."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

from solders.pubkey import Pubkey

from dexroute.chain.retry import RetryPolicy, with_retries
from dexroute.chain.rpc.failures import retry_after_ms
from dexroute.chain.rpc.fields import Field
from dexroute.chain.secrets import quiet_http_logs
from dexroute.chain.whole_calls import WholeCalls
from dexroute.errors import NetworkError, RateLimited, RpcError, RpcUnreachable
from dexroute.fetchers.discovery import DiscoveredPool, MintPair

if TYPE_CHECKING:
    import httpx

Query = Mapping[str, str | int | list[str]]
"""A list stands for a parameter given several times."""

_LARGEST_ANSWER: Final = 16 * 2**20
_MOST_DOLLARS: Final = 10**15
_AT_ONCE: Final = 4  # Meteora allows ten requests a second
_FEW_RETRIES: Final = RetryPolicy(attempts=3, max_wait_ms=2_000, total_ms=8_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """`timeout_ms` and `most_bytes` bound one request; discovery is a convenience, so it gives up early."""

    timeout_ms: int = 5_000
    most_bytes: int = _LARGEST_ANSWER
    retry: RetryPolicy = _FEW_RETRIES


class JsonApi:
    """The API of one host. Use as `async with`, or call `aclose`."""

    def __init__(
        self,
        base_url: str,
        *,
        limits: ApiLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        import httpx

        self._base_url = base_url.rstrip("/")
        self._limits = limits or ApiLimits()
        self._sleep = sleep
        # Meteora's host refuses requests that do not say who asks.
        agent = {"User-Agent": "dexroute", "Accept": "application/json"}
        timeout_s = self._limits.timeout_ms / 1000
        self._calls = WholeCalls(timeout_s)
        quiet_http_logs()
        unbounded = httpx.Limits(max_connections=None, max_keepalive_connections=None)  # `_calls` bounds them
        self._http = httpx.AsyncClient(transport=transport, timeout=timeout_s, headers=agent, limits=unbounded)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._calls.aclose()
        await self._http.aclose()

    async def get(self, path: str, query: Query, *, absent_is_none: bool = False) -> Field | None:
        """The document at `path`; None for HTTP 404 when `absent_is_none`. Raises NetworkError."""
        content = await self._content(path, query, absent_is_none)
        return None if content is None else self._parsed(path, content)

    async def get_whole(self, path: str, query: Query) -> tuple[Field, str]:
        """The document at `path` and the SHA-256 of its bytes, in hex. Raises NetworkError."""
        content = await self._content(path, query, absent_is_none=False)
        assert content is not None
        return self._parsed(path, content), hashlib.sha256(content).hexdigest()

    async def _content(self, path: str, query: Query, absent_is_none: bool) -> bytes | None:
        return await with_retries(lambda: self._once(path, query, absent_is_none), self._limits.retry, sleep=self._sleep)

    def _parsed(self, path: str, content: bytes) -> Field:
        what = f"GET {path}"
        try:
            return Field(what, "answer", json.loads(content, parse_float=Decimal))
        except (ValueError, ArithmeticError, RecursionError):
            raise RpcError(f"{what}: {self._base_url} answered {len(content)} bytes that are no JSON", malformed=True) from None

    async def _once(self, path: str, query: Query, absent_is_none: bool) -> bytes | None:
        import httpx

        what = f"GET {path}"
        try:
            response, content = await self._calls.run(lambda: self._get(path, query))
        except (TimeoutError, httpx.TimeoutException):
            raise RpcUnreachable(f"{what}: {self._base_url} did not answer within {self._limits.timeout_ms} ms") from None
        except httpx.HTTPError as error:
            raise RpcUnreachable(f"{what}: cannot reach {self._base_url}: {str(error) or type(error).__name__}") from None
        if response.status_code == 404 and absent_is_none:
            return None
        if response.status_code != 200:
            wait_ms = retry_after_ms(response.headers.get("retry-after"))
            raise self._refused(what, response.status_code, wait_ms)
        return content

    def _refused(self, what: str, status: int, wait_ms: int | None) -> NetworkError:
        asks = f"; it asks to wait {-(-wait_ms // 1000)} s" if wait_ms is not None else ""
        if status == 429:
            return RateLimited(
                f"{what}: {self._base_url} limits the rate of requests{asks}; try again later",
                retry_after_ms=wait_ms,
                http_status=429,
            )
        if status >= 500 or status == 408:
            facts = {} if wait_ms is None else {"retry_after_ms": wait_ms}
            return RpcUnreachable(f"{what}: {self._base_url} is out of order (HTTP {status}{asks}); try again later", **facts)
        return RpcError(f"{what}: {self._base_url} refuses the request (HTTP {status})", http_status=status)

    async def _get(self, path: str, query: Query) -> tuple[httpx.Response, bytes]:
        most = self._limits.most_bytes
        content = bytearray()
        async with self._http.stream("GET", self._base_url + path, params=dict(query)) as response:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > most:
                    raise RpcError(f"GET {path}: {self._base_url} sends more than {most} bytes; the answer is refused")
        return response, bytes(content)


async def for_each_pair(
    pairs: Sequence[MintPair], of_pair: Callable[[MintPair], Awaitable[Sequence[DiscoveredPool]]]
) -> tuple[DiscoveredPool, ...]:
    """The pools of all pairs, a few requests at a time. Raises the first pair's error when any fails."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(pair: MintPair) -> Sequence[DiscoveredPool]:
        async with gate:
            return await of_pair(pair)

    answers = await asyncio.gather(*(one(pair) for pair in pairs), return_exceptions=True)
    pools: list[DiscoveredPool] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        pools += answer
    return tuple(pools)


def mint_of(token: Field) -> Pubkey:
    """The address of a token object."""
    return token["address"].pubkey()


def whole_dollars(value: Any) -> int | None:
    """A liquidity figure as whole dollars, or None when it is no sensible number: it only ranks."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _MOST_DOLLARS:
        return None
    return int(value)
