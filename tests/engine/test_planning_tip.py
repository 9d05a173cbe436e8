"""Swaps that tip: the tip is a cost, never part of what was swapped, and passes the policy that allows it."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey

from dexroute.engine.execution.fills import read_fill
from dexroute.engine.execution.intake import new_order
from dexroute.engine.planning import OneTransaction, PreparedAttempt, PriorityFeePolicy, SwapBuilder, unsigned_wire
from dexroute.engine.planning.screening.evidence import is_token_account_of
from dexroute.engine.planning.tip import JITO_DONT_FRONT, JITO_TIP_ACCOUNTS, Tip, tip_lamports
from dexroute.errors import PolicyRefused, TransactionTooLarge
from dexroute.types.accounts import AccountData
from dexroute.types.chain import LandedTransaction, TokenBalance
from dexroute.types.orders import Attempt, Order
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.leg_world import World, a_user, build_world, give_a_table
from tests.engine.screened import policy_of

TIP = 25_000


@pytest.mark.parametrize(("pair", "path"), [("AB", "AB0"), ("SB", "SB0"), ("BS", "SB0>S")])
@pytest.mark.parametrize("dont_front", [False, True])
async def test_a_tip_is_paid_beside_the_swap(pair: str, path: str, dont_front: bool) -> None:
    world = build_world("AB0", "SB0")
    user = a_user(world, "AB")
    planned = await world.planned(pair, 10**6, SwapMode.EXACT_IN, path)
    allowed = policy_of(world.venues, tip_accounts=JITO_TIP_ACCOUNTS, max_tip_lamports=TIP)
    plain = await world.prepare(planned, user)
    builder = SwapBuilder(
        world.cluster, world.cluster, world.venues, screening=allowed, tip=Tip(lamports=TIP, dont_front=dont_front)
    )
    lifetime = await world.cluster.latest_blockhash()
    prepared = await builder.prepare(planned, user.pubkey(), lifetime, PriorityFeePolicy())
    assert prepared.simulated == plain.simulated, "the tip is not part of the swap"
    assert tip_lamports(prepared.message) == TIP == prepared.costs.other_lamports and tip_lamports(plain.message) == 0
    assert (JITO_DONT_FRONT in prepared.message.account_keys) == dont_front
    before = sum(world.cluster.svm.get_balance(account) or 0 for account in JITO_TIP_ACCOUNTS)
    wallet = world.cluster.lamports(user)
    seen = [world.cluster.account(key) for key in prepared.message.account_keys]
    world.cluster.land(prepared.message, user)
    assert sum(world.cluster.svm.get_balance(account) or 0 for account in JITO_TIP_ACCOUNTS) - before == TIP
    moved = {"S": prepared.simulated.amount_in}.get(pair[0], 0) - {"S": prepared.simulated.amount_out}.get(pair[1], 0)
    assert wallet - world.cluster.lamports(user) == moved + TIP + 5_000
    fill = read_fill(*landed_as(world, prepared, seen, planned.request, user))
    assert fill.amounts == prepared.simulated and fill.costs.other_lamports == TIP


def landed_as(
    world: World, prepared: PreparedAttempt, before: list[AccountData | None], request: QuoteRequest, user: Keypair
) -> tuple[Order, Attempt, LandedTransaction]:
    """What a node tells of the transaction that just landed."""
    keys = tuple(prepared.message.account_keys)
    after = [world.cluster.account(key) for key in keys]

    def balances(held: list[AccountData | None]) -> tuple[TokenBalance, ...]:
        tokens = [(key, a.data) for key, a in zip(keys, held, strict=True) if a and is_token_account_of(user.pubkey(), a)]
        return tuple(
            TokenBalance(account=key, mint=Pubkey(data[:32]), owner=user.pubkey(), amount=int.from_bytes(data[64:72], "little"))
            for key, data in tokens
        )

    landed = LandedTransaction(
        slot=1,
        block_time=None,
        error=None,
        fee_lamports=5_000,
        units_consumed=1,
        account_keys=keys,
        pre_lamports=tuple(a.lamports if a else 0 for a in before),
        post_lamports=tuple(a.lamports if a else 0 for a in after),
        pre_token_balances=balances(before),
        post_token_balances=balances(after),
        logs=(),
    )
    order = new_order(request=request, wallet=user.pubkey(), genesis_hash="g", slippage_bps=50, now_ms=1)
    attempt = Attempt(
        id="a",
        order_id=order.id,
        number=1,
        fencing=1,
        message=to_bytes_versioned(prepared.message),
        blockhash="b",
        last_valid_block_height=1,
        created_ms=1,
        signature="s",
        tracked=prepared.tracked,
    )
    return order, attempt, landed


def test_a_tip_is_raised_to_its_most_and_never_lowered() -> None:
    tip = Tip(lamports=TIP, most_lamports=2 * TIP, dont_front=True)
    wanted = (0, TIP, TIP + 1, 2 * TIP, 2 * TIP + 1)
    assert [tip.at_least(lamports).lamports for lamports in wanted] == [TIP, TIP, TIP + 1, 2 * TIP, 2 * TIP]
    assert Tip(lamports=TIP, most_lamports=TIP - 1).at_least(TIP + 1).lamports == TIP, "what is not allowed is refused, not lowered"
    assert tip.at_least(TIP + 1).dont_front


async def test_a_tip_the_policy_does_not_allow_is_refused() -> None:
    world = build_world("AB0")
    user = a_user(world, "AB")
    planned = await world.planned("AB", 10**6, SwapMode.EXACT_IN, "AB0")
    for policy, rule in (
        (policy_of(world.venues), "recipient"),
        (policy_of(world.venues, tip_accounts=JITO_TIP_ACCOUNTS, max_tip_lamports=TIP - 1), "tip"),
    ):
        builder = SwapBuilder(world.cluster, world.cluster, world.venues, screening=policy, tip=Tip(lamports=TIP))
        with pytest.raises(PolicyRefused) as refusal:
            await builder.prepare(planned, user.pubkey(), await world.cluster.latest_blockhash(), PriorityFeePolicy())
        assert refusal.value.context["rule"] == rule


@pytest.mark.parametrize("dont_front", [False, True])
async def test_the_room_counts_the_tip_and_tables_make_room_for_it(dont_front: bool) -> None:
    """A route that fits alone and not with its tip takes a lookup table; what it pays to is never looked up."""
    tip = Tip(lamports=TIP, dont_front=dont_front)
    names = ("AC0", "CB0", "AD0", "DB0", "AB0", "AE0", "EB0")
    world = build_world(*names)
    user = a_user(world)
    allowed = policy_of(world.venues, tip_accounts=JITO_TIP_ACCOUNTS, max_tip_lamports=TIP)
    held = [mint.address for mint in world.mints.values()]
    builder = SwapBuilder(world.cluster, world.cluster, world.venues, lambda: world.tables, screening=allowed, tip=tip)
    lifetime = await world.cluster.latest_blockhash()
    outcomes: list[bool] = []
    tipped_by_table = False
    for paths in (
        ("AB0",),
        ("AC0 CB0",),
        ("AC0 CB0", "AB0"),
        ("AC0 CB0", "AD0 DB0"),
        ("AC0 CB0", "AD0 DB0", "AB0"),
        ("AC0 CB0", "AE0 EB0", "AB0"),
    ):
        planned = await world.planned("AB", 10**9, SwapMode.EXACT_IN, *paths)
        legs = planned.quote.route.legs
        room = OneTransaction(planned.request, user=user.pubkey(), held=held, tip=tip)
        plain = OneTransaction(planned.request, user=user.pubkey(), held=held)
        fits = room.refusal(legs, planned.pools) is None
        world.tables.clear()
        if fits:
            prepared = await builder.prepare(planned, user.pubkey(), lifetime, PriorityFeePolicy())
            assert len(unsigned_wire(prepared.message)) == room.measure(legs, planned.pools)[0].bytes
        else:
            with pytest.raises(TransactionTooLarge):
                await builder.prepare(planned, user.pubkey(), lifetime, PriorityFeePolicy())
            give_a_table(world, planned, *JITO_TIP_ACCOUNTS, JITO_DONT_FRONT)
            prepared = await builder.prepare(planned, user.pubkey(), lifetime, PriorityFeePolicy())
            assert prepared.message.address_table_lookups and tip_lamports(prepared.message) == TIP
            assert (JITO_DONT_FRONT in prepared.message.account_keys) == dont_front
            tipped_by_table |= plain.refusal(legs, planned.pools) is None
            world.cluster.land(prepared.message, user)
            lifetime = await world.cluster.latest_blockhash()
        outcomes.append(fits)
    assert set(outcomes) == {True, False}
    assert tipped_by_table, "one of them would have fit without its tip"
