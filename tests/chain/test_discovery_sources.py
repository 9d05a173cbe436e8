"""Finding pools: on the cluster through a real client, and what many sources add up to."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.rpc import RpcClient
from dexroute.errors import DexError, RateLimited
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Venue
from dexroute.fetchers.discovery import DiscoveredPool, MintPair, ProgramAccounts, discover, discover_all, pair_filters, rank
from tests.chain.scripted_node import ScriptedNode

A, B, C = (Pubkey.new_unique() for _ in range(3))


def pool(address: Pubkey | None = None, *, tvl: int | None = None, mints: MintPair = (A, B), source: str = "x") -> DiscoveredPool:
    return DiscoveredPool(address=address or Pubkey.new_unique(), venue_id="v", mints=mints, source=source, tvl_usd=tvl)


@dataclass
class Source:
    """A source with this to say."""

    name: str
    answer: Sequence[DiscoveredPool] | DexError

    async def find(self, pairs: Sequence[MintPair]) -> Sequence[DiscoveredPool]:
        if isinstance(self.answer, DexError):
            raise self.answer
        return self.answer


async def test_a_dead_source_is_reported_and_costs_nothing_else() -> None:
    alive = pool()
    found = await discover([Source("dead", RateLimited("wait a minute")), Source("alive", [alive])], [(A, B)])
    assert found.pools == (alive,)
    dead, living = found.sources
    assert (dead.source, dead.found, dead.failure, dead.error_code) == ("dead", 0, "wait a minute", "RATE_LIMITED")
    assert (living.source, living.found, living.failure) == ("alive", 1, None)


async def test_our_own_faults_are_not_taken_for_dead_sources() -> None:
    class Broken(Source):
        async def find(self, pairs: Sequence[MintPair]) -> Sequence[DiscoveredPool]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await discover([Broken("broken", [])], [(A, B)])


def test_ranking_is_by_liquidity_then_address_whatever_the_order() -> None:
    addresses = sorted((Pubkey.new_unique() for _ in range(5)), key=str)
    poor, rich = pool(addresses[4], tvl=1), pool(addresses[3], tvl=10**9)
    unknown = [pool(addresses[0]), pool(addresses[1])]
    zero = pool(addresses[2], tvl=0)
    expected = (rich, poor, zero, *unknown)
    assert rank(expected) == rank(reversed(expected)) == expected


def test_two_words_on_one_pool_are_one_pool() -> None:
    address = Pubkey.new_unique()
    (merged,) = rank([pool(address, source="chain"), pool(address, tvl=5, source="api"), pool(address, tvl=3, source="other")])
    assert (merged.source, merged.tvl_usd) == ("chain", 5)


async def test_the_best_of_each_pair_are_kept() -> None:
    first = [pool(tvl=tvl) for tvl in (30, 20, 10)]
    reverse = pool(tvl=25, mints=(B, A))
    other = pool(tvl=1, mints=(B, C))
    found = await discover([Source("all", [*first, reverse, other])], [(A, B), (B, C)], most_per_pair=2)
    assert found.pools == (first[0], reverse, other)


@pytest.fixture(params=[venue.id for venue in VENUES])
def venue(request: pytest.FixtureRequest) -> Venue:
    return VENUES[request.param]


def test_there_are_venues_to_discover() -> None:
    assert len(VENUES) >= 2


def test_pair_filters_ask_for_both_orders(venue: Venue) -> None:
    capabilities = venue.capabilities
    given, reverse = pair_filters(capabilities, (A, B))
    count = len(capabilities.pool_filters)
    assert count > 0
    assert given[:count] == reverse[:count] == capabilities.pool_filters
    first, second = capabilities.mint_offsets
    assert [(one.offset, one.bytes_) for one in given[count:]] == [(first, bytes(A)), (second, bytes(B))]
    assert [(one.offset, one.bytes_) for one in reverse[count:]] == [(first, bytes(B)), (second, bytes(A))]


def whole_account(venue: Venue, mints: MintPair) -> bytes:
    first, second = venue.capabilities.mint_offsets
    content = bytearray(2_000)
    content[first : first + 32] = bytes(mints[0])
    content[second : second + 32] = bytes(mints[1])
    return bytes(content)


def listed(venue: Venue, address: Pubkey, content: bytes) -> dict[str, Any]:
    data = [base64.b64encode(content).decode(), "base64"]
    return {"pubkey": str(address), "account": {"owner": str(venue.program_id), "lamports": 1, "data": data}}


@pytest.mark.parametrize("cuts", [True, False], ids=["node cuts", "node ignores filters and slice"])
async def test_the_cluster_lists_pools(node: ScriptedNode, client: RpcClient, venue: Venue, cuts: bool) -> None:
    wanted, stranger = Pubkey.new_unique(), Pubkey.new_unique()
    start, length = (
        min(venue.capabilities.mint_offsets),
        abs(venue.capabilities.mint_offsets[0] - venue.capabilities.mint_offsets[1]) + 32,
    )
    accounts = {wanted: whole_account(venue, (B, A))}
    if cuts:
        accounts = {address: content[start : start + length] for address, content in accounts.items()}
    else:
        accounts[stranger] = whole_account(venue, (A, C))
        accounts[Pubkey.new_unique()] = b"short"
    node.answers({"context": {"slot": 1}, "value": [listed(venue, address, content) for address, content in accounts.items()]})
    found = await discover([ProgramAccounts(client, venue)], [(A, B)])
    assert found.pools == (DiscoveredPool(address=wanted, venue_id=venue.id, mints=(B, A), source="chain"),)
    assert found.sources[0].failure is None
    assert len(node.questions) == 2
    assert {question["method"] for question in node.questions} == {"getProgramAccounts"}
    assert node.questions[0]["params"][1]["dataSlice"] == {"offset": start, "length": length}


async def test_every_pool_of_a_small_cluster(node: ScriptedNode, client: RpcClient) -> None:
    venues = list(VENUES)
    address = Pubkey.new_unique()
    node.answers([listed(venues[0], address, whole_account(venues[0], (A, C)))])
    found = await discover_all([ProgramAccounts(client, venue) for venue in venues])
    assert [one.address for one in found.pools] == [address]
    assert [report.source for report in found.sources] == [f"chain:{venue.id}" for venue in venues]


@pytest.mark.parametrize("code", [-32601, -32010, -32000])
async def test_a_node_that_does_not_list_program_accounts_says_so(node: ScriptedNode, client: RpcClient, code: int) -> None:
    node.refuses(code, "excluded from account secondary indexes")
    found = await discover([ProgramAccounts(client, next(iter(VENUES)))], [(A, B)])
    assert found.pools == ()
    assert found.sources[0].error_code == "RPC_ERROR"
    assert "getProgramAccounts" in (found.sources[0].failure or "")
