"""Jupiter's token API: `GET /tokens/v2/tag?query=verified` answers with every verified token (dev.jup.ag/docs/tokens/v2).

The address of the API before it, which answers in the older shape, is asked when the first is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dexroute.chain.apis.json_api import ApiLimits, JsonApi
from dexroute.chain.retry import RetryPolicy
from dexroute.errors import NetworkError

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAddress:
    """Where a verified list is served."""

    base_url: str
    path: str
    query: Mapping[str, str | int]

    @property
    def name(self) -> str:
        asked = "&".join(f"{key}={value}" for key, value in self.query.items())
        return f"{self.base_url}{self.path}?{asked}"


VERIFIED_LISTS: Final = (
    ListAddress(base_url="https://lite-api.jup.ag", path="/tokens/v2/tag", query={"query": "verified"}),
    ListAddress(base_url="https://tokens.jup.ag", path="/tokens", query={"tags": "verified"}),
)
# Thousands of tokens with their statistics: megabytes, once in a while and by a person's wish.
_LIMITS: Final = ApiLimits(
    timeout_ms=30_000, most_bytes=64 * 2**20, retry=RetryPolicy(attempts=3, max_wait_ms=2_000, total_ms=60_000)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedList:
    """The list as it came: nothing in it was judged. `failures` are the addresses that were asked in vain before."""

    document: Any
    sha256: str
    source: str
    failures: tuple[str, ...]


async def fetch_verified_list(
    addresses: Sequence[ListAddress] = VERIFIED_LISTS,
    *,
    limits: ApiLimits | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> FetchedList:
    """The list of the first address that answers with one. Raises the last NetworkError when none does."""
    failures: list[str] = []
    last: NetworkError | None = None
    for address in addresses:
        async with JsonApi(address.base_url, limits=limits or _LIMITS, transport=transport, sleep=sleep) as api:
            try:
                document, sha256 = await api.get_whole(address.path, address.query)
                document.items()
            except NetworkError as error:
                failures.append(error.message)
                last = error
                continue
        return FetchedList(document=document.value, sha256=sha256, source=address.name, failures=tuple(failures))
    assert last is not None, "there is an address"
    advice = "the list kept before stays in use; try again, or give a downloaded one with --file"
    raise type(last)(f"no verified token list: {'; '.join(failures)}; {advice}", **last.context) from last
