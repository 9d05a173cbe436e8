"""What landed can vanish with its fork until it is finalized: then it is taken back, and the same bytes decide anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dexroute.engine.execution.failures import error_of
from dexroute.engine.execution.finality import Head, Verdict, View, judge
from dexroute.engine.execution.recovery import resume
from dexroute.errors import AttemptExpired, IllegalTransition, LandedWithError, OutcomeUnknown, RpcUnreachable
from dexroute.types.chain import Commitment, SignatureStatus, TransactionError
from dexroute.types.orders import AttemptOutcome, EventKind, LandedAttempt, Order, OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.simulated_chain import BLOCKHASH_BLOCKS, DEPTH, SLOT_MS
from tests.engine.test_execution_death import EXPIRY_MS

FINAL_MS = (max(DEPTH.values()) + 2) * SLOT_MS


async def confirmed(bench: Bench) -> Order:
    order = await bench.executor().execute(bench.order())
    assert order.state is OrderState.CONFIRMED and not order.settled
    return order


async def test_what_is_finalized_is_settled_and_nothing_else_of_the_order_changes(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        executor = bench.executor()
        assert await executor.settle() == () and not (await bench.store.order(order.id)).settled
        bench.clock.elapsed_ms += FINAL_MS
        assert await executor.settle() == ()
        receipt = await bench.check_journal(order)
        assert receipt.order.settled and receipt.events[-1].kind is EventKind.FINALIZED
        assert receipt.order.updated_ms == order.updated_ms and receipt.order.executed == order.executed
        assert await bench.store.landed(str(bench.chain.genesis), limit=1) == ()
        bench.chain.landed.clear()  # no such chain exists; but nobody looks any more either
        assert await executor.settle() == () and (await bench.store.order(order.id)).state is OrderState.CONFIRMED
        with pytest.raises(IllegalTransition):
            await executor.cancel(order.id)


async def test_what_a_fork_took_back_lands_again_with_the_same_bytes(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        (first,) = await bench.store.fills(order.id)
        bench.chain.landed.clear()
        (back,) = await bench.executor().settle()
        assert back.state is OrderState.SUBMITTED and back.executed is None and back.regressed
        assert await bench.store.fills(order.id) == (), "a withdrawn fill counts no more"
        (recovered,) = await resume(bench.executor())
        receipt = await bench.check_journal(order)
        assert recovered.order.state is OrderState.CONFIRMED and bench.chain.swaps(order) == 1
        assert len(bench.signer.signed) == 1 == len(receipt.attempts) and len(bench.chain.sends) == 1
        assert receipt.fill is not None and receipt.fill.slot > first.slot
        (event,) = [event for event in receipt.events if event.kind is EventKind.REGRESSED]
        assert event.before is OrderState.CONFIRMED and event.facts["withdrawn"]["amount_out"] == str(first.amounts.amount_out)


async def test_resume_finds_the_fork_by_itself_and_goes_on(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        bench.chain.landed.clear()
        (recovered,) = await resume(bench.executor())
        assert recovered.order.id == order.id and recovered.order.state is OrderState.CONFIRMED
        assert bench.chain.swaps(order) == 1 == len(bench.signer.signed)


async def test_another_slot_or_outcome_on_the_winning_fork_is_read_anew(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        (landed,) = bench.chain.landed.values()
        landed.slot, landed.amount_out = landed.slot + 1, landed.amount_out - 7
        bench.clock.elapsed_ms += SLOT_MS
        (recovered,) = await resume(bench.executor())
        assert recovered.order.executed is not None and recovered.order.executed.amount_out == landed.amount_out
        landed.failed = True
        (recovered,) = await resume(bench.executor())
        receipt = await bench.check_journal(order)
        assert recovered.order.state is OrderState.FAILED and isinstance(error_of(recovered.order), LandedWithError)
        assert receipt.fill is not None and receipt.fill.amounts.amount_out == 0 and len(bench.signer.signed) == 1


async def test_what_never_lands_again_ends_without_a_second_signature(tmp_path: Path) -> None:
    """The caller was told CONFIRMED: what to do about the swap that un-happened is not for a machine to decide a day later."""
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        bench.chain.landed.clear()
        bench.chain.accepts = lambda wire: False
        (recovered,) = await resume(bench.executor(), wait_ms=2 * EXPIRY_MS)
        await bench.check_journal(order)
        assert recovered.order.state is OrderState.FAILED and recovered.order.settled and len(bench.signer.signed) == 1
        assert isinstance(error_of(recovered.order), AttemptExpired) and "fork" in str(error_of(recovered.order))


async def test_a_refusal_a_fork_took_back_is_watched_but_not_sent_again(tmp_path: Path) -> None:
    """The caller was told FAILED and may have swapped elsewhere; if the bytes land all the same, the journal says so."""
    async with open_bench(tmp_path) as bench:
        bench.chain.refuses = True
        order = await bench.executor().execute(bench.order())
        assert order.state is OrderState.FAILED and not order.settled
        taken, sent = dict(bench.chain.landed), dict(bench.chain.sends)
        bench.chain.landed.clear()
        (recovered,) = await resume(bench.executor(), wait_ms=5_000)
        assert isinstance(recovered.error, OutcomeUnknown) and bench.chain.sends == sent
        assert (await bench.store.attempts(order.id))[0].is_live, "no replacement can be signed beside it"
        for landed in taken.values():  # a leader kept the bytes, and there they do not fail
            landed.slot, landed.failed = bench.chain.slot, False
        bench.chain.landed.update(taken)
        (recovered,) = await resume(bench.executor())
        receipt = await bench.check_journal(order)
        assert recovered.order.state is OrderState.CONFIRMED and recovered.order.failure is None
        assert receipt.attempts[0].outcome is AttemptOutcome.LANDED and bench.chain.sends == sent


async def test_a_refusal_that_vanished_for_good_is_a_failure_that_cost_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.refuses = True
        order = await bench.executor().execute(bench.order())
        bench.chain.landed.clear()
        (recovered,) = await resume(bench.executor(), wait_ms=2 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert recovered.order.state is OrderState.FAILED and isinstance(error_of(recovered.order), AttemptExpired)
        assert receipt.fill is None and receipt.attempts[0].outcome is AttemptOutcome.EXPIRED


async def test_a_refusal_that_is_finalized_is_settled(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.refuses = True
        order = await bench.executor().execute(bench.order())
        bench.clock.elapsed_ms += FINAL_MS
        assert await bench.executor().settle() == ()
        assert (await bench.check_journal(order)).order.settled
        forged = await bench.store.order(order.id)
        with pytest.raises(IllegalTransition):
            from dataclasses import replace

            back = replace(forged, state=OrderState.SUBMITTED)
            await bench.store.advance(forged, back, EventKind.REGRESSED, at_ms=0)


@pytest.mark.parametrize("trouble", ["silent", "lagging", "one still shows it", "one silent"])
async def test_a_node_that_does_not_show_it_proves_no_fork(tmp_path: Path, trouble: str) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        order = await confirmed(bench)
        bench.nodes[0].blind = True
        if trouble == "silent":
            for node in bench.nodes:
                node.fault = lambda method: RpcUnreachable("down") if method == "signature_statuses" else None
        elif trouble == "one silent":
            bench.nodes[1].fault = lambda method: RpcUnreachable("down") if method != "genesis_hash" else None
        elif trouble == "lagging":
            for node in bench.nodes:
                node.lag = 5
        assert await bench.executor().settle() == ()
        assert (await bench.check_journal(order)).order.state is OrderState.CONFIRMED


async def test_a_node_that_forgot_proves_no_fork(tmp_path: Path) -> None:
    """Weeks later, nodes have dropped the block: their silence must not undo a swap that happened."""
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        node = bench.nodes[0]
        bench.clock.elapsed_ms += 10 * BLOCKHASH_BLOCKS * SLOT_MS
        node.blind, node.first_slot = True, bench.chain.slot - 100
        assert await bench.executor().settle() == ()
        assert (await bench.check_journal(order)).order.state is OrderState.CONFIRMED
        node.first_slot = 0  # one that remembers all the blocks since, and not it, does
        (back,) = await bench.executor().settle()
        assert back.id == order.id


@pytest.mark.parametrize("other", ["silent", "behind", "knows it only confirmed"])
async def test_one_nodes_word_makes_nothing_final(tmp_path: Path, other: str) -> None:
    """It may say so too soon: what is settled is never looked at again."""
    async with open_bench(tmp_path, nodes=2) as bench:
        order = await confirmed(bench)
        bench.clock.elapsed_ms += FINAL_MS
        if other == "silent":
            bench.nodes[1].fault = lambda method: RpcUnreachable("down") if method != "genesis_hash" else None
        else:
            bench.nodes[1].lag = 10 if other == "behind" else 5
        assert await bench.executor().settle() == ()
        assert not (await bench.check_journal(order)).order.settled
        bench.nodes[1].fault, bench.nodes[1].lag = lambda method: None, 0
        assert await bench.executor().settle() == ()
        assert (await bench.check_journal(order)).order.settled


async def test_a_node_that_keeps_no_blocks_so_old_is_not_waited_for(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        order = await confirmed(bench)
        bench.clock.elapsed_ms += 10 * BLOCKHASH_BLOCKS * SLOT_MS
        bench.nodes[1].blind, bench.nodes[1].first_slot = True, bench.chain.slot - 100
        assert await bench.executor().settle() == ()
        assert (await bench.check_journal(order)).order.settled


async def test_one_that_contradicts_the_journal_is_not_believed_because_the_other_forgot() -> None:
    recorded = LandedAttempt(
        order_id="order", rank_ms=0, signature="signature", slot=100, outcome=AttemptOutcome.LANDED, last_valid_block_height=150
    )
    head = Head(finalized_height=900, finalized_slot=1_000, confirmed_slot=1_000)
    refused = SignatureStatus(slot=100, commitment=Commitment.FINALIZED, error=TransactionError(raw="AccountInUse"))
    landed = replace(refused, error=None)

    def view(status: SignatureStatus | None, history_from: int = 0) -> View:
        return View(head=head, context_slot=1_000, history_from=history_from, statuses={"signature": status})

    assert judge(recorded, [view(refused), view(None, history_from=500)]) is None
    assert judge(recorded, [view(landed), view(None, history_from=500)]) == Verdict(final=True)
    told = judge(recorded, [view(refused), view(refused)])
    assert told is not None and not told.final


RECORDED = LandedAttempt(
    order_id="order", rank_ms=0, signature="signature", slot=100, outcome=AttemptOutcome.LANDED, last_valid_block_height=150
)


def silent(height: int = 120, *, confirmed: int = 100, told: int = 100, history_from: int = 0) -> View:
    """A node that shows nothing of it."""
    head = Head(finalized_height=height, finalized_slot=height, confirmed_slot=confirmed)
    return View(head=head, context_slot=told, history_from=history_from, statuses={"signature": None})


@pytest.mark.parametrize(
    ("views", "vanished", "by_silence"),
    [
        ([silent()], True, False),
        ([silent(confirmed=99)], False, False),
        ([silent(told=99)], False, False),
        ([silent(), silent(told=99)], False, False),
        ([silent(150)], True, False),
        ([silent(151)], True, True),
        ([silent(151, history_from=100)], True, True),
        ([silent(151, history_from=101)], False, False),
        ([silent(151), silent(151, history_from=101)], False, False),
        # before all have seen it expire the same bytes are sent again, which does no harm, and later would not help
        ([silent(150), silent(151, history_from=101)], True, True),
        ([silent(150, history_from=101)], True, False),
    ],
)
def test_when_silence_proves_a_fork(views: list[View], vanished: bool, by_silence: bool) -> None:
    told = judge(RECORDED, views)
    assert (told is not None) == vanished
    assert told is None or (told.final, told.by_silence) == (False, by_silence)


async def test_what_a_node_was_down_for_proves_no_fork(tmp_path: Path) -> None:
    """The swap happened, and the journal says so: a node that came back without that time must not undo it."""
    async with open_bench(tmp_path) as bench:
        order = await confirmed(bench)
        node = bench.nodes[0]
        (landed,) = bench.chain.landed.values()
        bench.clock.elapsed_ms += 10 * BLOCKHASH_BLOCKS * SLOT_MS
        node.gap = range(landed.slot - 1, landed.slot + 5)
        executor = bench.executor()
        for fault in (None, RpcUnreachable("down")):
            node.fault = lambda method, fault=fault: fault if method == "has_blocks" else None  # type: ignore[misc]
            assert await executor.settle() == ()
            bench.clock.elapsed_ms += executor.policy.settle_all_ms
        assert (await bench.check_journal(order)).order.state is OrderState.CONFIRMED
        node.gap, node.fault = range(0), lambda method: None
        assert await executor.settle() == ()
        assert (await bench.check_journal(order)).order.settled
