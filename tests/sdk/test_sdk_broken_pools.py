"""Quotes while one of the pools of a pair is broken: the others answer as before, and the broken one is named with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from dexroute import Dex, KeypairSigner, Quote
from dexroute.engine.routing import RouteOptions
from dexroute.errors import DexError, RouteNotFound
from dexroute.fetchers.pool.pool import DexroutePool
from dexroute.localnet import EmbeddedCluster
from dexroute.types.accounts import AccountData
from tests.sdk.wire import Wire

CHANGES: dict[str, Callable[[AccountData], AccountData]] = {
    "empty": lambda account: replace(account, data=b""),
    "cut": lambda account: replace(account, data=bytes(account.data)[: len(account.data) // 2]),
    "longer": lambda account: replace(account, data=bytes(account.data) + b"\x07" * 300),
    "zeros": lambda account: replace(account, data=bytes(len(account.data))),
    "ones": lambda account: replace(account, data=b"\xff" * len(account.data)),
    "nonsense": lambda account: replace(account, data=bytes(account.data)[:8] + b"\x5a" * (len(account.data) - 8)),
    "another owner": lambda account: replace(account, owner=Pubkey(bytes([7] * 32))),
    "closed": lambda account: AccountData(owner=Pubkey(bytes(32)), lamports=0, data=b""),
}


async def _answer_of_others(dex: Dex, pair: list[Pubkey], address: Pubkey) -> tuple[Pubkey, Pubkey, int, Quote]:
    """An order that pools beside this one can fill, and what they make of it."""
    for source, target in (pair, pair[::-1]):
        for exponent in range(4, 13, 2):
            with suppress(RouteNotFound):
                options = RouteOptions(exclude_pools=frozenset({address}))
                return source, target, 10**exponent, await dex.quote(source, target, 10**exponent, route=options)
    raise AssertionError("no pool beside it")


@pytest.mark.parametrize("broken", ["pool", "vault"])
@pytest.mark.parametrize("venue", ["dexroute-pool", "raydium-cpmm", "meteora-damm-v2"])
async def test_a_broken_pool_is_named_and_the_others_answer(market: Path, signer: KeypairSigner, venue: str, broken: str) -> None:
    facts = json.loads((market / "facts.json").read_text())
    address = Pubkey.from_string(facts["pools"][0] if venue == "dexroute-pool" else facts["recorded"][venue])
    async with EmbeddedCluster.open(market / "embedded") as cluster:
        wire = Wire(cluster.transport)
        async with Dex(url="http://127.0.0.1:8899", data_dir=market, signer=signer, transport=wire) as dex:
            pool = (await dex.load_pools([address]))[address]
            pair = [mint.address for mint in pool.mints]
            source, target, amount, without = await _answer_of_others(dex, pair, address)
            assert address in (await dex.quote(source, target, amount)).pools
            # Our own pools keep their reserves themselves.
            part = address if broken == "pool" or isinstance(pool, DexroutePool) else pool.vaults[0]  # type: ignore[attr-defined]
            stored = cluster.bank.account(part)
            assert stored is not None
            real = AccountData(owner=stored.owner, lamports=stored.lamports, data=bytes(stored.data))
            named = 0
            for name, change in CHANGES.items():
                cluster.set_account(part, change(real))
                quote = await dex.quote(source, target, amount)
                assert address not in quote.pools or name == "longer", name
                if address not in quote.pools:
                    assert (quote.best.amount_out, quote.best.route) == (without.best.amount_out, without.best.route), name
                    reason = quote.broken[address]
                    assert isinstance(reason, DexError) and str(address) in reason.message, name
                    named += 1
            assert named >= len(CHANGES) - 1
            cluster.set_account(part, real)
            assert address in (await dex.quote(source, target, amount)).pools, "as soon as it is whole again it takes part"
