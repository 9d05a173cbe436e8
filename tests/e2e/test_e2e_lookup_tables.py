"""Routes that fit a transaction only with a lookup table, on a node that shares no code with dexroute."""

from __future__ import annotations

from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.fetchers.pool.pda import pool_accounts
from tests.e2e.chain import TOKEN
from tests.e2e.conftest import Opener
from tests.e2e.stage import NATIVE, Stage


def market(stage: Stage) -> tuple[Pubkey, Pubkey, list[Pubkey]]:
    """Five pools between two tokens and SOL between them as well, and every account a swap in them names."""
    a, b = stage.token(6), stage.token(9, fee_bps=100)
    pools = [(a, b, index) for index in range(4)] + [(a, NATIVE, 0), (NATIVE, b, 0)]
    named: dict[Pubkey, None] = {TOKEN: None}
    for first, second, index in pools:
        # One price on every way from the one to the other.
        stage.own_pool(first, second, ((2 if first == NATIVE else 1) * 10**11, 2 * 10**11), index=index)
        accounts = pool_accounts(stage._mint(first), stage._mint(second), index)
        named |= dict.fromkeys([accounts.pool, *accounts.vaults, *accounts.mints])
    return a, b, list(named)


async def test_a_named_table_makes_room_for_more_legs(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b, named = market(stage)
    stage.give(a, 10**11)
    table = stage.table([*named, stage.account_of(a), stage.account_of(b)])
    await stage.until_finalized()
    words = ["9000", str(a), str(b)]
    without = await stage.dex("quote", *words)
    order = await stage.swap(*words, lookup_tables=str(table))
    hops = [[hop["pool"] for hop in leg["hops"]] for leg in order["route"]["legs"]]
    assert sum(map(len, hops)) > sum(len(leg["hops"]) for leg in without["route"]["legs"])
    assert int(order["amount_out"]) > int(without["amount_out"]) and order["quoted"] == order["simulated"] == order["executed"]
    landed = stage.chain.landed[Signature.from_string(order["signature"])]
    message = landed.transaction.message
    assert isinstance(message, MessageV0) and [one.account_key for one in message.address_table_lookups] == [table]
    assert {stage.wallet.pubkey(), stage.account_of(a), stage.account_of(b)} <= set(message.account_keys)


async def test_tables_that_are_none_are_told_and_left_alone(open_stage: Opener) -> None:
    stage: Stage = await open_stage()
    a, b, named = market(stage)
    gone, other = stage.table(named, deactivated_at=5), a
    await stage.until_finalized()
    quote = await stage.dex("quote", "9", str(a), str(b), lookup_tables=f"{gone},{other}")
    notes = " ".join(quote["notes"])
    assert f"{gone} was deactivated at slot 5" in notes and f"{other} is owned by {TOKEN}" in notes
    refused = await stage.dex("tables", "add", str(gone), code=4)
    assert (refused["error"]["code"], refused["error"]["context"]["reason"]) == ("LOOKUP_TABLE_UNUSABLE", "deactivated")
