"""Swaps through the SDK: exactly once, what the chain did, and what is left when something stops."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from solders.compute_budget import set_compute_unit_limit
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from dexroute import Dex, KeypairSigner, Order, RouteOptions
from dexroute.engine.execution.queue import QueuePolicy
from dexroute.errors import DataDirBusy, FundsPromised, IdempotencyConflict, InsufficientFunds, SlippageExceeded
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import AttemptOutcome, OrderEvent, Priority
from tests.playground import copied
from tests.sdk.wire import Wire


async def test_a_swap_moves_what_the_receipt_says(dex: Dex) -> None:
    usdc = (await dex.token("USDC")).mint
    before = await dex.balances()
    receipt = await dex.swap(await dex.quote("SOL", "USDC", "1.5"), key="monday")
    after = await dex.balances()
    executed = receipt.order.executed
    assert executed is not None and receipt.fill is not None
    assert receipt.order.quoted == receipt.order.simulated == executed
    assert after.amount_of(usdc) - before.amount_of(usdc) == executed.amount_out
    assert before.lamports - after.lamports == executed.amount_in + receipt.fill.costs.network_fee_lamports
    assert receipt.signature and receipt.json()["signature"] == receipt.signature


async def test_the_same_key_swaps_once(dex: Dex) -> None:
    quote = await dex.quote("SOL", "USDC", "1")
    first = await dex.swap(quote, key="once")
    between = await dex.balances()
    again = await dex.swap(await dex.quote("SOL", "USDC", "1"), key="once")
    assert (again.order.id, again.signature) == (first.order.id, first.signature)
    found = await dex.placed("once", quote.terms)
    assert found is not None and found.order.id == first.order.id
    assert await dex.placed("another", quote.terms) is None
    with pytest.raises(IdempotencyConflict, match="once"):
        await dex.swap(await dex.quote("SOL", "USDC", "2"), key="once")
    with pytest.raises(IdempotencyConflict, match="once"):
        await dex.placed("once", (await dex.quote("SOL", "USDC", "2")).terms)
    assert await dex.balances() == between
    assert len(await dex.list_orders()) == 1


async def test_two_hops_leave_their_residual_in_the_receipt(dex: Dex) -> None:
    """What the first hop delivers beyond what the second was told to spend stays with the user, by its name."""
    usdc = (await dex.token("USDC")).mint
    before = await dex.balances()
    options = RouteOptions(hop_slippage_bps=20)
    receipt = await dex.swap(await dex.quote("SOL", "BONK", "0.5", route=options))
    after = await dex.balances()
    assert receipt.order.route is not None and receipt.fill is not None
    assert len(receipt.order.route["legs"][0]["hops"]) == 2
    (residual,) = receipt.fill.costs.residuals
    assert residual.mint == usdc
    assert after.amount_of(usdc) - before.amount_of(usdc) == residual.amount > 0


async def test_preview_is_what_would_be_signed(dex: Dex) -> None:
    before = await dex.balances()
    quote = await dex.quote("SOL", "USDC", "1")
    prepared = await dex.preview(quote)
    assert (prepared.simulated.amount_in, prepared.simulated.amount_out) == (quote.amount_in, quote.amount_out)
    assert prepared.costs.network_fee_lamports == 5_000
    assert await dex.list_orders() == ()
    assert await dex.balances() == before


async def test_instructions_carry_the_quote_out_in_anyones_transaction(dex: Dex, signer: KeypairSigner) -> None:
    usdc = (await dex.token("USDC")).mint
    quote = await dex.quote("SOL", "USDC", "1")
    instructions = await dex.instructions(quote, user=signer.pubkey)
    before = await dex.balances()
    lifetime = await dex.connection.client.latest_blockhash()
    own = [set_compute_unit_limit(200_000), *instructions]
    message = MessageV0.try_compile(signer.pubkey, own, [], lifetime.blockhash)
    signature = await signer.sign(message)
    await dex.connection.client.send(bytes(VersionedTransaction.populate(message, [signature])))
    landed = await dex.connection.client.transaction(signature)
    while landed is None:
        landed = await dex.connection.client.transaction(signature)
    assert landed.error is None, landed.logs
    assert (await dex.balances()).amount_of(usdc) - before.amount_of(usdc) == quote.amount_out
    assert await dex.list_orders() == (), "the protocol's own transaction is no order of ours"


async def test_the_watcher_hears_every_durable_step(market: Path, signer: KeypairSigner) -> None:
    heard: list[tuple[Order, OrderEvent]] = []
    async with Dex(
        url="embedded", data_dir=market, signer=signer, watcher=lambda order, event: heard.append((order, event))
    ) as dex:
        receipt = await dex.swap(await dex.quote("SOL", "USDC", "1"))
        assert [event.seq for _, event in heard] == [event.seq for event in receipt.events if event.seq > 1]
        assert str(heard[-1][0].state) == "CONFIRMED"


async def test_a_limit_the_market_left_is_not_crossed(dex: Dex) -> None:
    first = await dex.quote("SOL", "USDC", "1")
    same = RouteOptions(pools=frozenset(hop.pool for hop in first.best.route.hops))
    old = await dex.quote("SOL", "USDC", "1", slippage_bps=10, route=same)
    await dex.swap(await dex.quote("SOL", "USDC", "50", route=same))
    before = await dex.balances()
    with pytest.raises(SlippageExceeded) as refused:
        await dex.swap(old, key="late")
    assert refused.value.context["limit"] == str(old.limit)
    assert await dex.balances() == before
    (failed, _) = await dex.list_orders()
    assert (failed.order.key, str(failed.order.state), failed.signature) == ("late", "FAILED", None)
    with pytest.raises(SlippageExceeded):
        await dex.swap(old, key="late")


async def test_too_little_of_either_side(dex: Dex) -> None:
    with pytest.raises(InsufficientFunds) as sol:
        await dex.preview(await dex.quote("SOL", "USDC", "2000"))
    assert sol.value.context["mint"] == str(NATIVE_MINT)
    with pytest.raises(InsufficientFunds) as token:
        await dex.preview(await dex.quote("TAXED", "SOL", "59999"))
    assert token.value.context["mint"] == str((await dex.token("TAXED")).mint)


async def test_one_directory_has_one_master(dex: Dex, market: Path, signer: KeypairSigner) -> None:
    with pytest.raises(DataDirBusy):
        async with Dex(url="embedded", data_dir=market, signer=signer):
            pass
    assert (await dex.quote("SOL", "USDC", "1")).amount_out > 0


async def test_beside_a_bot_that_holds_the_journal_one_can_still_quote(wired: tuple[Dex, Wire], signer: KeypairSigner) -> None:
    first, wire = wired
    await first.swap(await first.quote("SOL", "USDC", "1"))
    settings = replace(first.settings)
    async with Dex(settings, signer=signer, transport=wire) as second:
        assert (await second.quote("SOL", "USDC", "1")).amount_out > 0
        with pytest.raises(DataDirBusy):
            await second.list_orders()


async def test_everything_is_there_after_a_restart(market: Path, signer: KeypairSigner) -> None:
    async with Dex(url="embedded", data_dir=market, signer=signer) as dex:
        receipt = await dex.swap(await dex.quote("SOL", "USDC", "1"), key="before")
    async with Dex(url="embedded", data_dir=market, signer=signer) as dex:
        (found,) = await dex.list_orders()
        assert found.json() == receipt.json()
        assert await dex.resume() == ()
        assert (await dex.swap(await dex.quote("SOL", "USDC", "1"), key="before")).order.id == receipt.order.id


async def test_submitted_swaps_are_worked_off_by_run(dex: Dex) -> None:
    before = await dex.balances()
    quote = await dex.quote("SOL", "USDC", "0.5")
    first = await dex.submit(quote, key="one", priority=Priority.HIGH)
    again = await dex.submit(quote, key="one")
    second = await dex.submit(quote)
    assert first.order.state == second.order.state == "PENDING" and again.order.id == first.order.id
    stats = await (await dex.orders()).stats()
    assert stats.json()["open"] == {"low": 0, "normal": 1, "high": 1}
    assert stats.promised[NATIVE_MINT] > 2 * quote.request.amount
    assert await dex.balances() == before, "nothing happens before somebody runs"
    await dex.run(until_idle=True)
    receipts = await dex.list_orders()
    assert [receipt.order.state for receipt in receipts] == ["CONFIRMED", "CONFIRMED"]
    usdc = (await dex.token("USDC")).mint
    gained = sum(receipt.order.executed.amount_out for receipt in receipts if receipt.order.executed)
    assert (await dex.balances()).amount_of(usdc) - before.amount_of(usdc) == gained
    assert (await (await dex.orders()).stats()).promised == {}


async def test_coins_that_open_orders_promise_are_not_promised_again(dex: Dex) -> None:
    lamports = (await dex.balances()).lamports
    quote = await dex.quote("SOL", "USDC", lamports * 6 // 10)
    waiting = await dex.submit(quote)
    with pytest.raises(FundsPromised, match="promise") as refused:
        await dex.swap(quote)
    assert refused.value.exit_code == 4 and refused.value.context["held"] == str(lamports)
    await (await dex.orders()).cancel(waiting.order.id)
    assert (await dex.swap(quote)).order.state == "CONFIRMED"


async def test_equal_orders_on_one_blockhash_all_land_with_signatures_of_their_own(
    wired: tuple[Dex, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One signature for two orders would be one swap that both take for theirs. Here all start with one message."""
    monkeypatch.setattr("dexroute.sdk.order_builder._first_apart", lambda order: 7)
    dex, wire = wired
    found = await dex.quote("USDC", "BONK", "2")
    same = RouteOptions(pools=frozenset(hop.pool for hop in found.best.route.hops))
    quote = await dex.quote("USDC", "BONK", "2", slippage_bps=5_000, route=same)
    before = await dex.balances()
    wire.freeze("getLatestBlockhash")
    await asyncio.gather(*(dex.submit(quote) for _ in range(8)))
    await dex.run(until_idle=True, policy=QueuePolicy(at_once=8, per_wallet=8))
    receipts = [await (await dex.orders()).receipt(one.order.id) for one in await dex.list_orders()]
    assert len(receipts) == 8 and {one.order.state for one in receipts} == {"CONFIRMED"}
    assert len({one.signature for one in receipts}) == 8
    assert len({one.attempts[-1].blockhash for one in receipts}) == 1
    taken = [attempt for one in receipts for attempt in one.attempts[:-1]]
    assert taken and {attempt.outcome for attempt in taken} == {AttemptOutcome.NEVER_SIGNED}
    bonk = (await dex.token("BONK")).mint
    gained = sum(one.order.executed.amount_out for one in receipts if one.order.executed)
    assert (await dex.balances()).amount_of(bonk) - before.amount_of(bonk) == gained > 0


async def test_two_journals_of_one_wallet_never_take_one_transaction_for_theirs(
    wired: tuple[Dex, Wire], template: Path, tmp_path: Path, signer: KeypairSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's signatures. Here both ask for as many compute units, and only list their accounts differently."""
    chosen = iter((7, 7 + 4_096))
    monkeypatch.setattr("dexroute.engine.planning.attempt.unit_limit", lambda units, apart: 200_000 + apart)
    monkeypatch.setattr("dexroute.sdk.order_builder._first_apart", lambda order: next(chosen))
    dex, wire = wired
    found = await dex.quote("USDC", "BONK", "2")
    same = RouteOptions(pools=frozenset(hop.pool for hop in found.best.route.hops))
    quote = await dex.quote("USDC", "BONK", "2", slippage_bps=5_000, route=same)
    before = await dex.balances()
    wire.freeze("getLatestBlockhash")
    other_dir = copied(template, tmp_path / "other")
    async with Dex(url="http://127.0.0.1:8899", data_dir=other_dir, signer=signer, transport=wire) as other:
        receipts = [await dex.swap(quote), await other.swap(quote)]
    first, second = (MessageV0.from_bytes(one.attempts[-1].message[1:]) for one in receipts)
    assert first.recent_blockhash == second.recent_blockhash and set(first.account_keys) == set(second.account_keys)
    assert [bytes(call.data) for call in first.instructions] == [bytes(call.data) for call in second.instructions]
    assert receipts[0].signature != receipts[1].signature
    bonk = (await dex.token("BONK")).mint
    gained = sum(one.order.executed.amount_out for one in receipts if one.order.executed)
    assert {one.order.state for one in receipts} == {"CONFIRMED"}
    assert (await dex.balances()).amount_of(bonk) - before.amount_of(bonk) == gained > 0
