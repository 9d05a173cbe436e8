"""What an order promises covers what its transaction asks of the wallet, and what a wallet cannot pay is not placed."""

from __future__ import annotations

from pathlib import Path

import pytest
from solders.keypair import Keypair

from dexroute import Dex, Quote
from dexroute.engine.planning import PriorityFeePolicy
from dexroute.engine.planning.tip import Tip
from dexroute.engine.routing import RouteOptions
from dexroute.errors import FundsPromised, IdempotencyConflict, InsufficientFunds, RpcError
from dexroute.sdk.funds import promises
from dexroute.sdk.terms import SwapTerms
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import Priority
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.leg_world import World, a_user, build_world, give_a_table
from tests.engine.world_quoter import WorldQuoter, planned_of, pools_of, world_quoter
from tests.sdk.wire import Wire

TOKEN_RENT = 2_039_280
WIDE = ("AC0 CB0", "AD0 DB0", "AE0 EB0", "AS0 SB0")
TIP = Tip(lamports=20_000, most_lamports=50_000)
POLICY = PriorityFeePolicy(cap_lamports=70_000)


async def world_of(pair: str, *paths: str) -> World:
    """Their pools, and a lookup table of all they name: without it they do not fit."""
    world = build_world(*(pool for path in paths for pool in path.split()))
    give_a_table(world, await world.planned(pair, 10**6, SwapMode.EXACT_IN, *paths))
    return world


def quoter_of(world: World, user: Keypair, directory: Path, tip: Tip | None = None) -> WorldQuoter:
    quoting = world_quoter(world, user, directory, tip=tip)
    quoting.add_tables(world)
    return quoting


async def quoted(world: World, quoting: WorldQuoter, pair: str, amount: int, mode: SwapMode) -> Quote:
    source, target = (world.mints[letter].address for letter in pair)
    request = QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=mode)
    route = RouteOptions(pools=pools_of(world), hop_slippage_bps=10, max_hops=4)
    terms = SwapTerms(request=request, slippage_bps=50, route=route, priority_fee=POLICY)
    return await quoting.quoter.quote(terms, swappable=True, for_signing=True)


@pytest.mark.parametrize("tip", [None, TIP])
@pytest.mark.parametrize(
    ("pair", "mode", "paths", "opened"),
    [
        ("AB", SwapMode.EXACT_IN, WIDE, 5),
        ("AB", SwapMode.EXACT_OUT, WIDE, 5),
        ("SB", SwapMode.EXACT_IN, ("SC0 CD0 DE0 EB0",), 5),
        ("AS", SwapMode.EXACT_IN, ("AC0 CS0",), 2),
    ],
)
async def test_a_promise_covers_what_the_transaction_asks_for(
    tmp_path: Path, pair: str, mode: SwapMode, paths: tuple[str, ...], opened: int, tip: Tip | None
) -> None:
    world = await world_of(pair, *paths)
    world.cluster.priority_fees = (10**9,) * 9  # so the bid is the cap
    user = a_user(world, "A", held=10**13)
    quoting = quoter_of(world, user, tmp_path, tip)
    quote = await quoted(world, quoting, pair, 10**11 if pair == "SB" else 10**12, mode)
    lifetime = await world.cluster.latest_blockhash()
    prepared = await quoting.builder.prepare(planned_of(quote), user.pubkey(), lifetime, POLICY, tip_floor_lamports=10**6)
    assert len(prepared.plan.opened) == opened
    promised = {part.mint: part.amount for part in promises(quote, tip)}
    costs = prepared.costs
    asked = costs.network_fee_lamports + costs.priority_fee_lamports + costs.other_lamports + opened * TOKEN_RENT
    assert costs.priority_fee_lamports > 69_000 and costs.other_lamports == (50_000 if tip else 0)
    native = asked + (prepared.plan.max_amount_in if quote.request.input_mint == NATIVE_MINT else 0)
    assert native <= promised[NATIVE_MINT] <= native + 1_000 + max(3, opened) * 2_157_600 - opened * TOKEN_RENT
    if quote.request.input_mint != NATIVE_MINT:
        assert promised[quote.request.input_mint] == prepared.plan.max_amount_in


async def test_accounts_that_are_open_already_are_not_promised_again(tmp_path: Path) -> None:
    world = await world_of("AB", *WIDE)
    user, rich = a_user(world, "A"), a_user(world, "ABCDE")
    first = await quoted(world, quoter_of(world, user, tmp_path / "one"), "AB", 10**12, SwapMode.EXACT_IN)
    second = await quoted(world, quoter_of(world, rich, tmp_path / "two"), "AB", 10**12, SwapMode.EXACT_IN)
    lamports = [next(part.amount for part in promises(quote, None) if part.mint == NATIVE_MINT) for quote in (first, second)]
    assert lamports[0] - lamports[1] == 2 * 2_157_600, "five to open, or as many as another route may take"


async def test_what_the_wallet_cannot_pay_is_not_placed(dex: Dex) -> None:
    lamports = (await dex.balances()).lamports
    with pytest.raises(InsufficientFunds) as sol:
        await dex.submit(await dex.quote("SOL", "USDC", "5000"), key="k")
    assert (sol.value.code, sol.value.exit_code, sol.value.retryable) == ("INSUFFICIENT_FUNDS", 4, False)
    assert sol.value.context["have"] == str(lamports) and int(sol.value.context["need"]) > 5_000 * 10**9
    with pytest.raises(InsufficientFunds, match="swap less") as token:
        await dex.submit(await dex.quote("TAXED", "SOL", "59999"))
    assert token.value.context["mint"] == str((await dex.token("TAXED")).mint)
    assert await dex.list_orders() == ()
    assert not any((await (await dex.orders()).stats()).promised.values()), "nothing stands in the way of others"
    assert (await dex.submit(await dex.quote("SOL", "USDC", "1"), key="k")).order.state == "PENDING", "its key is free still"


async def test_the_last_lamport_the_wallet_can_pay_is_placed_and_lands(dex: Dex) -> None:
    """What is refused and what is carried out meet: no unit between them is refused that would land, nor the other way."""
    lamports = (await dex.balances()).lamports
    spare = 5_000 + TOKEN_RENT  # network fee, and wrapped SOL's account for the time of the swap
    with pytest.raises(InsufficientFunds) as refused:
        await dex.submit(await dex.quote("SOL", "USDC", lamports - spare + 1))
    assert refused.value.context["short"] == "1"
    placed = await dex.submit(await dex.quote("SOL", "USDC", lamports - spare))
    await dex.run(until_idle=True)
    assert (await (await dex.orders()).receipt(placed.order.id)).order.state == "CONFIRMED"


async def test_what_open_orders_promise_counts_and_a_key_still_finds_its_order(wired: tuple[Dex, Wire]) -> None:
    dex, wire = wired
    lamports = (await dex.balances()).lamports
    quote = await dex.quote("SOL", "USDC", lamports * 6 // 10)
    first = await dex.submit(quote, key="first", priority=Priority.HIGH)
    with pytest.raises(FundsPromised, match="nothing was placed") as refused:
        await dex.submit(quote, key="second")
    context = refused.value.context
    assert int(context["short"]) == int(context["needed"]) + int(context["promised"]) - lamports > 0
    with pytest.raises(IdempotencyConflict):
        await dex.submit(await dex.quote("SOL", "USDC", lamports), key="first")
    wire.unsupported.add("getMultipleAccounts")  # the wallet is not even looked at
    again = await dex.submit(quote, key="first")
    assert again.order.id == first.order.id
    with pytest.raises(RpcError):
        await dex.submit(quote, key="third")
    assert [receipt.order.key for receipt in await dex.list_orders()] == ["first"]
