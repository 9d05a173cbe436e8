"""What quotes remember of the pools they read, and what looking for pools tells about its sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import HoldsReserves
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.fetchers.recorded import PACKAGED, read_recorded, recorded_files
from dexroute.sdk.reserves import reserves_of
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import TOKEN_PROGRAM_ID, Mint
from dexroute.types.pools import RememberedPool
from tests.sdk.wire import Wire


async def test_reserves_are_remembered_and_only_then(dex: Dex, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await dex.journal()
    writes: list[list[RememberedPool]] = []
    remember = journal.remember_pools

    async def counted(pools: Iterable[RememberedPool]) -> None:
        writes.append(list(pools))
        await remember(writes[-1])

    monkeypatch.setattr(journal, "remember_pools", counted)
    quote = await dex.quote("SOL", "USDC", "1", refresh=True)
    assert writes
    known = {pool.address: pool for pool in await dex.pools()}
    for address, pool in quote.pools.items():
        assert known[address].seen_slot is not None
        if isinstance(pool, DexroutePool):
            held = dict(zip(known[address].mints, known[address].reserves, strict=True))
            assert tuple(held[mint.address] for mint in pool.mints) == pool.reserves
    assert any(isinstance(pool, DexroutePool) for pool in quote.pools.values())
    for address, error in quote.broken.items():
        assert set(known[address].reserves) == {0}, error
    writes.clear()
    await dex.quote("SOL", "USDC", "2")
    assert writes == [], "a warm quote writes nothing"


VENUE_FOLDERS = sorted(path for path in PACKAGED.iterdir() if path.is_dir() and not path.name.startswith("_"))


@pytest.mark.parametrize("folder", VENUE_FOLDERS, ids=lambda folder: folder.name)
def test_every_venue_tells_what_its_pools_hold(folder: Path) -> None:
    """On recorded pools, with the accounts that the venue itself asks for and no others."""
    states = (read_recorded(path) for path in recorded_files(folder))
    state = next(state for state in states if any(swap.succeeded for swap in state.swaps))
    read: dict[Pubkey, AccountData | None] = {state.pool: state.accounts[state.pool]}
    snapshot = AccountSnapshot(clock=state.clock, accounts=read)
    while wanted := VENUES.for_account(state.pool, snapshot).required_accounts(state.pool, snapshot):
        read = read | {address: state.accounts.get(address) for address in wanted}
        snapshot = AccountSnapshot(clock=state.clock, accounts=read)
    pool = VENUES.decode_pool(state.pool, snapshot)
    assert min(reserves_of(pool, read, snapshot)) > 0
    held = dict(zip((mint.address for mint in pool.mints), reserves_of(pool, read, snapshot), strict=True))
    for swap in state.swaps:
        assert (swap.amount_out or 0) <= held[swap.request.output_mint]


async def test_discovery_keeps_what_was_measured(dex: Dex) -> None:
    await dex.quote("SOL", "USDC", "1")
    before = {pool.address: (pool.reserves, pool.seen_slot) for pool in await dex.pools()}
    assert any(reserves for reserves, _ in before.values())
    found = await dex.discover_pools("SOL", "USDC")
    after = {pool.address: (pool.reserves, pool.seen_slot) for pool in await dex.pools()}
    assert before.items() <= after.items()
    assert {hint.address: hint.reserves for hint in found.hints if hint.reserves}


async def test_each_source_says_how_it_fared(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    found = await dex.discover_pools("SOL", "USDC")
    by_name = {report.source: report for report in found.sources}
    assert by_name.keys() == {f"chain:{venue.id}" for venue in dex.venues}
    assert by_name["chain:dexroute-pool"].found >= 1 and by_name["chain:dexroute-pool"].failure is None
    wire.unsupported.add("getProgramAccounts")
    found = await dex.discover_pools("SOL", "USDC")
    assert found.hints, "what is remembered stays"
    assert all(report.found == 0 and report.failure for report in found.sources)


class Vaulted:
    """A pool whose accounts tell what it holds."""

    def __init__(self, *mints: Pubkey) -> None:
        self.mints = tuple(Mint(address=mint, decimals=6, token_program=TOKEN_PROGRAM_ID, transfer_fee=None) for mint in mints)


class Sharing(Vaulted):
    """A pool that says itself."""

    def held_reserves(self) -> tuple[int, ...]:
        return 3, 4


def token_account(mint: Pubkey, amount: int, owner: Pubkey = TOKEN_PROGRAM_ID, length: int = 165) -> AccountData:
    data = (bytes(mint) + bytes(32) + amount.to_bytes(8, "little")).ljust(length, b"\0")[:length]
    return AccountData(owner=owner, lamports=1, data=data)


def test_token_accounts_of_the_pools_mints_count_and_nothing_else() -> None:
    a, b, other = (Pubkey.new_unique() for _ in range(3))
    accounts: dict[Pubkey, AccountData | None] = {
        Pubkey.new_unique(): account
        for account in (
            token_account(a, 2**64 - 1),
            token_account(a, 1),
            token_account(other, 5),
            token_account(b, 7, owner=Pubkey.new_unique()),
            token_account(b, 7, length=164),
            None,
        )
    }
    own = list(accounts)
    accounts[Pubkey.new_unique()] = token_account(b, 9)
    snapshot = AccountSnapshot(clock=ChainClock(slot=1, epoch=0, unix_timestamp=0), accounts=accounts)
    plain: Any = Vaulted(a, b)
    sharing: Any = Sharing(a, b)
    assert reserves_of(plain, own, snapshot) == (2**64, 0)
    assert reserves_of(sharing, own, snapshot) == (3, 4)
    assert not isinstance(plain, HoldsReserves)
