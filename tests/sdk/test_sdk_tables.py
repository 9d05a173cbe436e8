"""Lookup tables on the embedded cluster: made by real transactions, used by an order of several legs, and read where it landed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.compute_budget import set_compute_unit_limit
from solders.message import MessageV0, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute import Dex, KeypairSigner
from dexroute.engine.execution.builder import RoutedOrder
from dexroute.engine.planning import PlannedSwap, swap_limit
from dexroute.errors import LookupTableUnusable, TransactionTooLarge, UsageError
from dexroute.host.clock import HostClock
from dexroute.localnet import EmbeddedCluster
from dexroute.sdk.order_builder import QuotedOrders
from dexroute.sdk.orders import Orders
from dexroute.sdk.quote import Quote
from dexroute.sdk.shapes import route_json
from dexroute.sdk.tables import LookupTables
from dexroute.types.accounts import AccountData
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import Order, SwapAmounts
from dexroute.types.requests import SwapMode
from tests.engine.legs import route_by_hand, split


class ByHand(QuotedOrders):
    """`QuotedOrders` with the route given: what the router is not asked, everything after it is real."""

    planned: PlannedSwap

    async def route(self, order: Order) -> RoutedOrder:
        quote = self.planned.quote
        return RoutedOrder(
            route=route_json(quote.route),
            quoted=SwapAmounts(amount_in=quote.amount_in, amount_out=quote.amount_out),
            limit_amount=order.limit_amount or self.planned.limit,
            plan=self.planned,
        )


async def five_hops(dex: Dex, mode: SwapMode = SwapMode.EXACT_IN) -> tuple[Quote, PlannedSwap]:
    """SOL to BONK over both SOL/USDC pools, which meet in one USDC/BONK pool, and the direct one: three legs through four pools."""
    exact_out = mode is SwapMode.EXACT_OUT
    quote = await dex.quote("SOL", "BONK", "30000" if exact_out else "0.3", exact_out=exact_out)
    usdc, bonk = [(await dex.token(name)).mint for name in ("USDC", "BONK")]
    mints = {mint.address: mint for pool in quote.pools.values() for mint in pool.mints}
    between: dict[frozenset[Pubkey], list[Pubkey]] = {}
    for pool in sorted(quote.pools.values(), key=lambda pool: bytes(pool.address)):
        if pool.venue_id == "dexroute-pool":
            between.setdefault(frozenset(mint.address for mint in pool.mints), []).append(pool.address)
    first, second = between[frozenset((NATIVE_MINT, usdc))]
    (last,), (direct,) = between[frozenset((usdc, bonk))], between[frozenset((NATIVE_MINT, bonk))]
    paths = [[(one, mints[usdc]), (last, mints[bonk])] for one in (first, second)] + [[(direct, mints[bonk])]]
    shares = list(zip(split(quote.request.amount, 3), paths, strict=True))
    by_hand = route_by_hand(quote.pools, quote.request, shares, hop_slippage_bps=20)
    limit = swap_limit(by_hand, quote.request, 50)
    planned = PlannedSwap(quote=by_hand, pools=quote.pools, request=quote.request, limit=limit)
    return replace(quote, solution=replace(quote.solution, quote=by_hand), limit=limit), planned


async def made(dex: Dex, tables: LookupTables, planned: PlannedSwap) -> Pubkey:
    pools = [planned.pools[address] for address in dict.fromkeys(hop.pool for hop in planned.quote.route.hops)]
    change = await tables.creating(dex.signer.pubkey, pools)
    before = (await dex.balances()).lamports
    signatures = await tables.carry_out(change, dex.signer.pubkey)
    assert before - (await dex.balances()).lamports == change.rent_lamports + 5_000 * len(signatures)
    return change.table


@pytest.mark.parametrize("mode", SwapMode)
async def test_an_order_of_three_legs_that_only_fits_with_a_table(dex: Dex, mode: SwapMode) -> None:
    quote, planned = await five_hops(dex, mode)
    with pytest.raises(TransactionTooLarge, match="3 legs and 5 hops"):
        await dex.preview(quote)
    tables = await dex.tables()
    table = await made(dex, tables, planned)

    journal = await dex.journal()
    builder = ByHand(await dex._quoting(), dex._builder, journal)
    builder.planned = planned
    orders = Orders(
        store=journal,
        connection=dex.connection,
        builder=builder,
        signer=lambda: dex.signer,
        signers=lambda: dex.signers,
        clock=dex._clock,
        wait_ms=30_000,
    )
    usdc, bonk = [(await dex.token(name)).mint for name in ("USDC", "BONK")]
    before = await dex.balances()
    receipt = await orders.place(quote.terms, limit=planned.limit, key="legs", promised=())
    after = await dex.balances()

    executed, fill = receipt.order.executed, receipt.fill
    assert executed is not None and fill is not None and receipt.attempt is not None
    assert executed == SwapAmounts(amount_in=planned.quote.amount_in, amount_out=planned.quote.amount_out)
    assert receipt.order.simulated == receipt.order.quoted == executed
    assert after.amount_of(bonk) - before.amount_of(bonk) == executed.amount_out
    costs = fill.costs
    assert before.lamports - after.lamports == executed.amount_in + costs.network_fee_lamports + costs.priority_fee_lamports
    assert (costs.rent_lamports, costs.other_lamports) == (0, 0)
    left = sum(leg.hops[0].amount_out - leg.hops[1].amount_in for leg in planned.quote.route.legs[:2])
    assert [(one.mint, one.amount) for one in costs.residuals] == [(usdc, left)] and left > 0
    assert after.amount_of(usdc) - before.amount_of(usdc) == left
    assert receipt.order.costs is not None and receipt.order.costs.residuals == costs.residuals

    message = from_bytes_versioned(receipt.attempt.message)
    assert isinstance(message, MessageV0)
    assert [lookup.account_key for lookup in message.address_table_lookups] == [table]
    landed = await dex.connection.client.transaction(Signature.from_string(str(receipt.signature)))
    assert landed is not None and len(landed.account_keys) > len(message.account_keys)
    pools = {hop.pool for hop in planned.quote.route.hops}
    assert pools <= set(landed.account_keys[len(message.account_keys) :])


async def test_instructions_come_with_the_tables_to_compile_them_with(dex: Dex, signer: KeypairSigner) -> None:
    quote, planned = await five_hops(dex)
    alone = await dex.instructions(quote, user=signer.pubkey)
    assert alone.lookup_tables == ()
    table = await made(dex, await dex.tables(), planned)
    instructions = await dex.instructions(quote, user=signer.pubkey)
    assert [one.program_id for one in instructions] == [one.program_id for one in alone]
    assert len(instructions) == len(list(instructions)) == len(instructions[:]) and instructions[0] == instructions.instructions[0]
    assert [one.key for one in instructions.lookup_tables] == [table]
    bonk = (await dex.token("BONK")).mint
    before = await dex.balances()
    client = dex.connection.client
    lifetime = await client.latest_blockhash()
    whole = [set_compute_unit_limit(400_000), *instructions]
    message = MessageV0.try_compile(signer.pubkey, whole, list(instructions.lookup_tables), lifetime.blockhash)
    signature = await signer.sign(message)
    await client.send(bytes(VersionedTransaction.populate(message, [signature])))
    landed = await client.transaction(signature)
    while landed is None:
        landed = await client.transaction(signature)
    assert landed.error is None, landed.logs
    assert (await dex.balances()).amount_of(bonk) - before.amount_of(bonk) == quote.amount_out


async def test_quotes_know_the_tables_and_what_is_wrong_with_them(dex: Dex, market: Path, signer: KeypairSigner) -> None:
    _, planned = await five_hops(dex)
    tables = await dex.tables()
    table = await made(dex, tables, planned)
    await dex.quote("SOL", "BONK", "0.3")
    shelf = dex._shelf
    assert [one.account.key for one in shelf.usable()] == [table]
    quote = await dex.quote("SOL", "BONK", "0.3")
    assert quote.freshness.round_trips == 1 and not [note for note in quote.notes if "lookup table" in note]
    await tables.carry_out(await tables.deactivating(signer.pubkey, table), signer.pubkey)
    quote = await dex.quote("SOL", "BONK", "0.3")
    assert shelf.usable() == ()
    assert [note for note in quote.notes if str(table) in note and "deactivated" in note]
    with pytest.raises(TransactionTooLarge):
        await dex.preview((await five_hops(dex))[0])


class Later(HostClock):
    """The host's time and some."""

    ms = 0

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.ms


@pytest.fixture
async def timed(market: Path, signer: KeypairSigner) -> AsyncIterator[tuple[Dex, Later]]:
    """A `Dex` on the playground, whose time the test can push on."""
    later = Later()
    async with EmbeddedCluster.open(market / "embedded", clock=later) as cluster:
        url = "http://127.0.0.1:8899"
        async with Dex(url=url, data_dir=market, signer=signer, transport=cluster.transport) as opened:
            yield opened, later


async def test_the_life_of_a_table(timed: tuple[Dex, Later], signer: KeypairSigner) -> None:
    dex, later = timed
    owner = signer.pubkey
    _, planned = await five_hops(dex)
    tables = await dex.tables()
    assert await tables.list() == ()
    used = list(dict.fromkeys(hop.pool for hop in planned.quote.route.hops))
    change = await tables.creating(owner, [planned.pools[used[0]]])
    await tables.carry_out(change, owner)
    (state,) = await tables.list()
    assert (state.address, state.source, state.authority) == (change.table, "own", owner)
    assert state.table is not None and state.table.addresses == change.added and state.table.lamports == change.rent_lamports

    with pytest.raises(UsageError, match="all accounts of these pools already"):
        await tables.extending(owner, change.table, [planned.pools[used[0]]])
    more = await tables.extending(owner, change.table, [planned.pools[address] for address in used])
    assert not set(more.added) & set(change.added)
    before = (await dex.balances()).lamports
    await tables.carry_out(more, owner)
    assert before - (await dex.balances()).lamports == more.rent_lamports + 5_000 * len(more.transactions)
    (state,) = await tables.list()
    assert state.table is not None and state.table.addresses == change.added + more.added

    stranger = Pubkey.new_unique()
    for refused in (tables.extending, tables.deactivating, tables.closing):
        arguments = ([planned.pools[used[0]]],) if refused == tables.extending else ()
        with pytest.raises(UsageError, match=f"belongs to {owner}"):
            await refused(stranger, change.table, *arguments)
    with pytest.raises(UsageError, match="is active"):
        await tables.closing(owner, change.table)
    await tables.carry_out(await tables.deactivating(owner, change.table), owner)
    assert [one.state for one in await tables.list()] == ["deactivated"]
    with pytest.raises(UsageError, match="deactivated already"):
        await tables.deactivating(owner, change.table)
    with pytest.raises(LookupTableUnusable, match="deactivated"):
        await tables.extending(owner, change.table, [planned.pools[used[0]]])
    with pytest.raises(UsageError, match=r"can be closed in \d+ blocks"):
        await tables.closing(owner, change.table)
    later.ms += 400 * 520
    assert [one.state for one in await tables.list()] == ["closable"]
    rent = state.table.lamports
    before = (await dex.balances()).lamports
    await tables.carry_out(await tables.closing(owner, change.table), owner)
    assert (await dex.balances()).lamports - before == rent - 5_000
    assert await tables.list() == () and await (await dex.journal()).remembered_tables(dex.connection.genesis_hash) == ()


async def test_only_real_tables_are_added(dex: Dex, market: Path, signer: KeypairSigner) -> None:
    _, planned = await five_hops(dex)
    tables = await dex.tables()
    pool = planned.quote.route.hops[0].pool
    for address, reason in ((pool, "owner"), (Pubkey.new_unique(), "missing")):
        with pytest.raises(LookupTableUnusable) as caught:
            await tables.add(address)
        assert caught.value.context["reason"] == reason
    empty = Pubkey.new_unique()
    cluster = dex.connection.embedded
    assert cluster is not None
    cluster.set_account(empty, AccountData(owner=LOOKUP_TABLE_PROGRAM_ID, lamports=10**7, data=b"\x01" + bytes(55)))
    with pytest.raises(LookupTableUnusable):
        await tables.add(empty)
    assert await tables.list() == ()
    table = await made(dex, tables, planned)
    await tables.forget(table)
    assert await tables.list() == ()
    await tables.add(table)
    (state,) = await tables.list()
    assert (state.address, state.source, state.state) == (table, "added", "active")


async def test_tables_of_the_settings_are_used_and_listed(dex: Dex, market: Path, signer: KeypairSigner) -> None:
    quote, planned = await five_hops(dex)
    tables = await dex.tables()
    table = await made(dex, tables, planned)
    await tables.forget(table)
    await dex.__aexit__(None, None, None)
    async with Dex(url="embedded", data_dir=market, signer=signer, lookup_tables=f"{table},{Pubkey.new_unique()}") as again:
        quote, _ = await five_hops(again)
        prepared = await again.preview(quote)
        assert prepared.facts["lookup_tables"] == [str(table)]
        assert [(one.source, one.state) for one in await (await again.tables()).list()] == [
            ("settings", "active"),
            ("settings", "missing"),
        ]


async def test_a_table_makes_room_for_a_better_route(dex: Dex) -> None:
    """What the router is told of one transaction decides what it proposes: more with a table, and that is what lands."""
    without = await dex.quote("SOL", "BONK", "5")
    tables = await dex.tables()
    known = [pool for pool in without.pools.values() if pool.venue_id == "dexroute-pool"]
    change = await tables.creating(dex.signer.pubkey, known)
    await tables.carry_out(change, dex.signer.pubkey)
    better = await dex.quote("SOL", "BONK", "5")
    assert len(better.best.route.hops) > len(without.best.route.hops)
    assert better.amount_out > without.amount_out
    receipt = await dex.swap(better)
    executed = receipt.order.executed
    assert executed is not None and (executed.amount_in, executed.amount_out) == (better.amount_in, better.amount_out)
    assert receipt.attempt is not None
    message = from_bytes_versioned(receipt.attempt.message)
    assert isinstance(message, MessageV0)
    assert [lookup.account_key for lookup in message.address_table_lookups] == [change.table]
