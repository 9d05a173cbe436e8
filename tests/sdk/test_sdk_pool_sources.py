"""Looking for pools on mainnet-beta, where nodes refuse and APIs die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
import respx
from solders.pubkey import Pubkey

from dexroute.chain.tokens import MAINNET_GENESIS
from dexroute.config import load_settings
from dexroute.errors import RpcError
from dexroute.fetchers import VENUES
from dexroute.host.clock import HostClock
from dexroute.sdk.pool_finder import PoolFinder
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountFilter, AccountsAtSlot, Commitment
from dexroute.types.mints import NATIVE_MINT

USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
POOL = Pubkey.new_unique()


class Refusing:
    """A public node: no getProgramAccounts."""

    async def get_accounts(
        self,
        addresses: Sequence[Pubkey],
        *,
        min_context_slot: int | None = None,
        commitment: Commitment = Commitment.CONFIRMED,
    ) -> AccountsAtSlot:
        raise AssertionError("nothing is read to find pools")

    async def get_program_accounts(
        self,
        program_id: Pubkey,
        filters: Sequence[AccountFilter] = (),
        *,
        data_slice: tuple[int, int] | None = None,
    ) -> Mapping[Pubkey, AccountData]:
        raise RpcError("getProgramAccounts: this endpoint does not offer it")


@respx.mock
async def test_every_source_reports_and_none_costs_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    group = f"/pools/groups/{USDC}-{NATIVE_MINT}"
    found = {
        "address": str(POOL),
        "token_x": {"address": str(NATIVE_MINT)},
        "token_y": {"address": str(USDC)},
        "tvl": 1234.5,
        "is_blacklisted": False,
    }
    respx.get(f"https://dlmm.datapi.meteora.ag{group}").mock(return_value=httpx.Response(200, json={"data": [found]}))
    respx.get(f"https://damm-v2.datapi.meteora.ag{group}").mock(return_value=httpx.Response(403))
    respx.get(url__startswith="https://api-v3.raydium.io/").mock(return_value=httpx.Response(200, text="<html>"))
    respx.get(url__startswith="https://damm-api.meteora.ag/").mock(return_value=httpx.Response(200, json={"data": 5}))
    settings = load_settings({"url": "mainnet-beta", "data_dir": str(tmp_path)})
    finder = PoolFinder(Refusing(), VENUES, settings, HostClock(), MAINNET_GENESIS, None)
    pools = await finder.for_pair(NATIVE_MINT, USDC, max_hops=1)
    reports = {report.source: report for report in pools.sources}
    assert reports.pop("meteora-dlmm-api").found == 1
    assert {hint.address: (hint.venue_id, hint.tvl_usd) for hint in pools.hints} == {POOL: ("meteora-dlmm", 1234)}
    assert reports.keys() == {
        "raydium-api",
        "meteora-damm-v1-api",
        "meteora-damm-v2-api",
        *(f"chain:{venue.id}" for venue in VENUES),
    }
    for report in reports.values():
        assert report.failure and report.error_code, report
    assert len(pools.notes) == len(reports)
