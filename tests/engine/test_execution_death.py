"""Sent bytes are dead by proof or not at all; a replacement waits for the proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.hash import Hash

from dexroute.engine.execution.death import ExpiryProof, Unproven, prove_expired
from dexroute.engine.execution.failures import error_of
from dexroute.errors import (
    AttemptExpired,
    LandedWithError,
    NetworkError,
    OutcomeUnknown,
    RateLimited,
    RpcError,
    RpcUnreachable,
    SignatureTaken,
)
from dexroute.types.chain import Commitment
from dexroute.types.orders import Attempt, AttemptOutcome, EventKind, Order, OrderEvent, OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.simulated_chain import BLOCKHASH_BLOCKS, DEPTH, SLOT_MS

EXPIRY_MS = (BLOCKHASH_BLOCKS + max(DEPTH.values())) * SLOT_MS


def only(method: str, error: NetworkError, *, times: int = 10**9) -> Callable[[str], NetworkError | None]:
    """A fault of one method."""
    left = [times]

    def fault(asked: str) -> NetworkError | None:
        if asked != method or not left[0]:
            return None
        left[0] -= 1
        return error

    return fault


async def test_dropped_bytes_are_sent_again_unchanged(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: bench.chain.sends[wire] > 4
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1 == len(bench.signer.signed)
        assert dict(bench.chain.sends) == {receipt.attempts[0].wire: 5}


@pytest.mark.parametrize("method", ["send", "sent"])
@pytest.mark.parametrize(
    "error",
    [
        RateLimited("429"),
        RpcUnreachable("connection reset"),
        RpcError("BlockhashNotFound", rpc_code=-32002),
        RpcError("AlreadyProcessed", rpc_code=-32002),
    ],
    ids=lambda error: str(error),
)
async def test_what_a_node_answers_to_a_send_proves_nothing(tmp_path: Path, method: str, error: NetworkError) -> None:
    """`send` fails before the bytes arrive, `sent` after: nobody can tell the two apart."""
    async with open_bench(tmp_path) as bench:
        bench.nodes[0].fault = only(method, error, times=6)
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1


@pytest.mark.parametrize(("asked_wait_ms", "sends_a_round"), [(None, 2), (1_000, 2), (60_000, 1)])
async def test_a_rate_limit_on_sends_gets_a_second_try_in_the_round(
    tmp_path: Path, asked_wait_ms: int | None, sends_a_round: int
) -> None:
    """A limit of every other request would otherwise meet the send of every round, and no other call."""
    async with open_bench(tmp_path) as bench:
        refused: list[int] = []

        def limited(method: str) -> NetworkError | None:
            if method != "send":
                return None
            refused.append(bench.clock.now_ms())
            return RateLimited("429", retry_after_ms=asked_wait_ms) if len(refused) % 2 else None

        bench.nodes[0].fault = limited
        order = await bench.executor().execute(bench.order())
        assert order.state is OrderState.CONFIRMED and len(refused) >= 2
        waited_ms, policy = refused[1] - refused[0], bench.executor().policy
        assert waited_ms == (asked_wait_ms or policy.poll_ms) if sends_a_round == 2 else waited_ms >= policy.resend_ms


@pytest.mark.parametrize("method", ["signature_statuses", "transaction", "block_height"])
async def test_a_node_that_does_not_answer_leaves_the_outcome_open(tmp_path: Path, method: str) -> None:
    async with open_bench(tmp_path) as bench:
        if method == "block_height":
            bench.chain.accepts = lambda wire: False
        bench.nodes[0].fault = only(method, RpcUnreachable("timeout"))
        asked = bench.order()
        executor = bench.executor()
        with pytest.raises(OutcomeUnknown, match=asked.id) as unknown:
            await executor.execute(asked, wait_ms=3 * EXPIRY_MS)
        assert unknown.value.exit_code == 5 and unknown.value.context["signature"] == str(bench.signer.signed[0])
        assert ("; timeout." in unknown.value.message) == (method != "transaction")
        assert ("but not what it did (timeout)" in unknown.value.message) == (method == "transaction")
        receipt = await bench.check_journal(asked)
        assert receipt.order.state is OrderState.SUBMITTED and len(receipt.attempts) == 1 and receipt.attempts[0].is_live


async def test_an_expired_attempt_is_replaced_only_with_a_proof(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        first: list[bytes] = []

        def drop_first(wire: bytes) -> bool:
            if not first:
                first.append(wire)
            return wire != first[0]

        bench.chain.accepts = drop_first
        order = await bench.executor().execute(bench.order(), wait_ms=2 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED
        dead, landed = receipt.attempts
        assert dead.outcome is AttemptOutcome.EXPIRED and dead.dead_at is not None and landed.outcome is AttemptOutcome.LANDED
        assert receipt.signature == landed.signature
        (death,) = [event for event in receipt.events if event.kind == "attempt_dead"]
        assert int(death.facts["finalized_height"]) > int(death.facts["last_valid_block_height"])
        assert death.after is OrderState.ROUTING and death.facts["witnesses"] == 1
        # the limit the caller accepted holds for the replacement too
        assert {event.facts["limit_amount"] for event in receipt.events if event.kind == "routed"} == {"497500"}


async def test_attempts_are_bounded_and_then_the_order_is_proven_expired(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        order = await bench.executor(max_attempts=2).execute(bench.order(), wait_ms=4 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.FAILED and len(receipt.attempts) == 2 and receipt.signature is None
        error = error_of(order)
        assert isinstance(error, AttemptExpired) and error.exit_code == 7 and error.retryable
        assert all(attempt.outcome is AttemptOutcome.EXPIRED for attempt in receipt.attempts)


async def test_height_is_not_slot(tmp_path: Path) -> None:
    """Skipped slots make the block height lag the slot; expiry goes by height."""
    async with open_bench(tmp_path) as bench:
        bench.chain.skipped_slots = 900
        bench.chain.accepts = lambda wire: bench.clock.elapsed_ms > 130 * SLOT_MS
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1


async def test_a_lagging_witness_withholds_the_proof(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        bench.chain.accepts = lambda wire: False
        bench.nodes[1].lag = 10**4
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=3 * EXPIRY_MS)
        assert len((await bench.check_journal(asked)).attempts) == 1
        bench.nodes[1].lag = 0
        order = await bench.executor(max_attempts=1).continue_order(asked.id)
        assert isinstance(error_of(order), AttemptExpired)
        assert order.failure is not None and order.failure.context["witnesses"] == 2


async def test_a_witness_that_answers_heights_in_time_but_statuses_late_withholds_the_proof(tmp_path: Path) -> None:
    """A status read before the finalized slot says nothing about the blocks between the two."""
    async with open_bench(tmp_path) as bench:
        bench.chain.accepts = lambda wire: False
        node = bench.nodes[0]
        real = node.signature_statuses

        async def late(signatures, *, search_history):  # type: ignore[no-untyped-def]
            _, statuses = await real(signatures, search_history=search_history)
            return node.slot - 33, statuses

        node.signature_statuses = late  # type: ignore[method-assign]
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=3 * EXPIRY_MS)
        assert (await bench.check_journal(asked)).attempts[0].is_live


IMPLAUSIBLE = RpcError("those are slots, not block heights", implausible=True)


async def test_a_node_that_answers_slots_as_heights_is_no_witness(tmp_path: Path) -> None:
    """Alone it proves nothing, ever; beside one that can be a witness it is left out, and is still heard on the signature."""
    async with open_bench(tmp_path, nodes=2) as bench:
        bench.chain.accepts = lambda wire: False
        for node in bench.nodes:
            node.fault = only("block_height", IMPLAUSIBLE)
        asked = bench.order()
        with pytest.raises(OutcomeUnknown, match="slots, not block heights"):
            await bench.executor().execute(asked, wait_ms=3 * EXPIRY_MS)
        bench.nodes[1].fault = lambda method: None
        bench.nodes[0].status_of_all = True
        with pytest.raises(OutcomeUnknown):
            await bench.executor().continue_order(asked.id, wait_ms=10_000)
        bench.nodes[0].status_of_all = False
        order = await bench.executor(max_attempts=1).continue_order(asked.id)
        assert isinstance(error_of(order), AttemptExpired)
        assert order.failure is not None and order.failure.context["witnesses"] == 1


async def test_two_sound_witnesses_suffice_where_a_third_is_away(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=3) as bench:
        bench.chain.accepts = lambda wire: False
        bench.nodes[0].fault = only("block_height", RpcUnreachable("away"))
        order = await bench.executor(max_attempts=1).execute(bench.order(), wait_ms=3 * EXPIRY_MS)
        assert order.failure is not None and order.failure.context["witnesses"] == 2
        bench.nodes[1].fault = only("block_height", RpcUnreachable("away"))
        with pytest.raises(OutcomeUnknown, match="away"):
            await bench.executor(max_attempts=1).execute(bench.order(), wait_ms=3 * EXPIRY_MS)


async def test_a_blockhash_the_finalized_chain_still_takes_has_not_expired(tmp_path: Path) -> None:
    """A node that counts slots throughout contradicts itself only here: slots without a block make its heights run ahead."""
    async with open_bench(tmp_path) as bench:
        bench.nodes[0].heights_ahead = 60
        bench.chain.accepts = lambda wire: bench.clock.elapsed_ms > (BLOCKHASH_BLOCKS - 10) * SLOT_MS
        order = await bench.executor().execute(bench.order(), wait_ms=3 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1


async def test_a_node_that_hangs_delays_neither_sends_nor_the_truth(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        hung = asyncio.Event()
        for method in ("send", "signature_statuses", "block_height"):

            async def hang(*_: object, **__: object) -> None:
                await hung.wait()

            setattr(bench.nodes[0], method, hang)
        bench.chain.accepts = lambda wire: bench.chain.sends[wire] > 3
        order = await asyncio.wait_for(bench.executor(poll_ms=30, resend_ms=60).execute(bench.order()), 20)
        assert order.state is OrderState.CONFIRMED and sum(bench.chain.sends.values()) >= 4


async def test_routes_that_only_send_carry_the_same_bytes_and_are_asked_nothing(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        carried: list[bytes] = []

        class Route:
            async def send(self, wire: bytes) -> None:
                carried.append(wire)
                bench.chain.receive(wire)

        bench.nodes[0].fault = only("send", RpcUnreachable("connection refused"))
        order = await bench.executor(routes=[Route()]).execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and set(carried) == {receipt.attempts[0].wire}


async def test_one_witness_that_knows_the_signature_outweighs_one_that_does_not(tmp_path: Path) -> None:
    """The first node never heard of it; the second saw it land. The truth wins, whatever the order of asking."""
    async with open_bench(tmp_path, nodes=2) as bench:
        bench.nodes[0].blind = True
        bench.nodes[1].fault = only("transaction", RpcUnreachable("timeout"))
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=3 * EXPIRY_MS)
        bench.nodes[1].fault = lambda method: None
        order = await bench.executor().continue_order(asked.id)
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1


async def test_nodes_that_disagree_about_the_outcome_are_not_believed(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        node = bench.nodes[0]
        real = node.transaction

        async def contradicting(signature):  # type: ignore[no-untyped-def]
            for landed in bench.chain.landed.values():
                landed.failed = True
            answer = await real(signature)
            for landed in bench.chain.landed.values():
                landed.failed = False
            return answer

        node.transaction = contradicting  # type: ignore[method-assign]
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(asked, wait_ms=10_000)
        node.transaction = real  # type: ignore[method-assign]
        assert (await bench.executor().continue_order(asked.id)).state is OrderState.CONFIRMED


async def test_landing_with_an_error_ends_the_order_and_keeps_what_it_cost(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        bench.chain.refuses = True
        order = await bench.executor().execute(bench.order())
        receipt = await bench.check_journal(order)
        assert order.state is OrderState.FAILED and order.executed is None
        error = error_of(order)
        assert isinstance(error, LandedWithError) and error.exit_code == 6
        assert error.context["program_error"] == 6001 and error.context["fee_lamports"] == "5000"
        (attempt,) = receipt.attempts
        assert attempt.outcome is AttemptOutcome.LANDED_WITH_ERROR and not attempt.is_live
        assert receipt.fill is not None and receipt.fill.amounts.amount_in == 0 and receipt.fill.costs.network_fee_lamports == 5000
        assert receipt.signature == attempt.signature


async def test_no_replacement_is_signed_when_nobody_waits_any_more(tmp_path: Path) -> None:
    """The proof comes in the last look after the wait is over; what to do with it is for `resume`."""
    async with open_bench(tmp_path, nodes=2) as bench:
        bench.chain.accepts = lambda wire: False
        asked = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor(resend_ms=EXPIRY_MS + 600).execute(asked, wait_ms=EXPIRY_MS + 600)
        assert (await bench.check_journal(asked)).order.state is OrderState.ROUTING and len(bench.signer.signed) == 1


async def test_what_a_fork_drops_was_never_confirmed(tmp_path: Path) -> None:
    """Seen at `processed`, transaction and all, then gone with its fork: the same bytes go out again and land."""
    async with open_bench(tmp_path) as bench:
        bench.nodes[0].eager = True
        forked: list[int] = []

        def fork(method: str) -> NetworkError | None:
            if method == "send" and bench.chain.landed and not forked:
                forked.extend(landed.slot for landed in bench.chain.landed.values())
                assert forked[0] <= bench.chain.slot, "nobody could have seen it yet"
                bench.chain.landed.clear()
            return None

        bench.nodes[0].fault = fork
        order = await bench.executor(poll_ms=SLOT_MS, resend_ms=2 * SLOT_MS).execute(bench.order())
        receipt = await bench.check_journal(order)
        assert forked and order.state is OrderState.CONFIRMED and len(receipt.attempts) == 1
        assert receipt.fill is not None and receipt.fill.slot == bench.chain.landed[bench.signer.signed[0]].slot


async def test_an_intent_that_was_never_signed_is_no_attempt_to_land(tmp_path: Path) -> None:
    """The signer was out of order, or an equal order had the signature: that takes nothing from what the order may try."""
    async with open_bench(tmp_path) as bench:
        taken = [SignatureTaken("another attempt has that signature")] * 3
        advance = bench.store.advance

        async def refusing(before: Order, after: Order, kind: EventKind, **facts: Any) -> tuple[Order, OrderEvent]:
            if kind is EventKind.SIGNED and taken:
                raise taken.pop()
            return await advance(before, after, kind, **facts)

        bench.store.advance = refusing  # type: ignore[method-assign]
        arrives_ms = 2 * EXPIRY_MS
        bench.chain.accepts = lambda wire: bench.clock.elapsed_ms > arrives_ms
        order = await bench.executor(max_attempts=3, max_routings=1).execute(bench.order(), wait_ms=4 * EXPIRY_MS)
        receipt = await bench.check_journal(order)
        outcomes = [attempt.outcome for attempt in receipt.attempts]
        assert not taken and outcomes[:3] == [AttemptOutcome.NEVER_SIGNED] * 3
        assert AttemptOutcome.EXPIRED in outcomes and outcomes[-1] is AttemptOutcome.LANDED and order.state is OrderState.CONFIRMED
        deaths = [event.facts for event in receipt.events if event.kind == "attempt_dead"]
        assert [facts.get("cause") for facts in deaths[:3]] == ["SIGNATURE_TAKEN"] * 3


async def landed_unseen(bench: Bench) -> Order:
    """An order whose swap happened while nobody could see it, and days ago."""
    bench.nodes[0].fault = only("signature_statuses", RpcUnreachable("timeout"))
    order = bench.order()
    with pytest.raises(OutcomeUnknown):
        await bench.executor().execute(order, wait_ms=0)
    assert bench.chain.swaps(order) == 1
    bench.nodes[0].fault = lambda method: None
    bench.clock.elapsed_ms += 1_000 * EXPIRY_MS
    return order


async def test_what_a_node_has_forgotten_it_cannot_deny(tmp_path: Path) -> None:
    """A node keeps blocks for hours or days and an order may be resumed later: its silence about an older time proves nothing."""
    async with open_bench(tmp_path) as bench:
        order = await landed_unseen(bench)
        bench.nodes[0].first_slot = bench.chain.slot - 500
        executor = bench.executor()
        with pytest.raises(OutcomeUnknown, match=r"no blocks before slot \d+, .* name a node with a longer history \(-u\)"):
            await executor.continue_order(order.id, wait_ms=EXPIRY_MS)
        assert len(bench.signer.signed) == 1 and (await bench.check_journal(order)).order.state is OrderState.SUBMITTED
        bench.nodes[0].first_slot = 0
        assert (await executor.continue_order(order.id)).state is OrderState.CONFIRMED


async def test_what_a_lone_node_denies_once_it_may_show_the_next_time(tmp_path: Path) -> None:
    """One address may stand for many nodes, and a node that fails to read its archive answers null as if there were nothing."""
    async with open_bench(tmp_path) as bench:
        order = await landed_unseen(bench)
        (node,) = bench.nodes
        node.blind, denials = True, []

        def seeing_again(method: str) -> None:
            if method == "first_available_slot":  # asked after a null of the proof
                denials.append(method)
                node.blind = False

        node.fault = seeing_again
        assert (await bench.executor().continue_order(order.id)).state is OrderState.CONFIRMED
        assert len(bench.signer.signed) == 1 == len(denials) and bench.chain.swaps(order) == 1


async def test_one_that_forgot_beside_one_that_remembers(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        order = await landed_unseen(bench)
        first, second = bench.nodes
        first.first_slot = bench.chain.slot - 500
        second.fault = lambda method: RpcUnreachable("down")
        with pytest.raises(OutcomeUnknown):
            await bench.executor().continue_order(order.id, wait_ms=EXPIRY_MS)
        second.fault = lambda method: None
        assert (await bench.executor().continue_order(order.id)).state is OrderState.CONFIRMED
        bench.chain.accepts = lambda wire: False
        lost = bench.order()
        with pytest.raises(OutcomeUnknown):
            await bench.executor().execute(lost, wait_ms=0)
        bench.clock.elapsed_ms += 1_000 * EXPIRY_MS
        first.first_slot = bench.chain.slot - 500
        bench.chain.accepts = lambda wire: True
        with pytest.raises(OutcomeUnknown, match="longer history"):
            await bench.executor().continue_order(lost.id, wait_ms=EXPIRY_MS)  # the one that remembers may deny what it knows
        assert len((await bench.check_journal(lost)).attempts) == 1
        first.first_slot = 0
        assert (await bench.executor().continue_order(lost.id)).state is OrderState.CONFIRMED
        receipt = await bench.check_journal(lost)
        assert [attempt.outcome for attempt in receipt.attempts] == [AttemptOutcome.EXPIRED, AttemptOutcome.LANDED]
        assert {e.facts["witnesses"] for e in receipt.events if e.kind == "attempt_dead"} == {2}


async def test_blocks_from_the_signing_on_are_enough(tmp_path: Path) -> None:
    """A node that forgot all there was before may still tell that nothing landed since."""
    async with open_bench(tmp_path) as bench:
        bench.clock.elapsed_ms += 1_000 * SLOT_MS
        bench.chain.accepts = lambda wire: False
        order = bench.order()
        executor = bench.executor(max_attempts=1)
        bench.nodes[0].first_slot = bench.chain.slot + 1
        assert (await executor.execute(order, wait_ms=2 * EXPIRY_MS)).state is OrderState.FAILED
        receipt = await bench.check_journal(order)
        assert receipt.attempts[0].blockhash_slot == bench.nodes[0].first_slot - 1


async def test_what_a_node_was_down_for_it_cannot_deny(tmp_path: Path) -> None:
    """Its ledger begins long before and goes on to this day, and the block that holds the swap is in between."""
    async with open_bench(tmp_path) as bench:
        order = await landed_unseen(bench)
        (attempt,) = (await bench.receipt(order)).attempts
        assert attempt.blockhash_slot is not None
        landed_at = bench.chain.landed[bench.signer.signed[0]].slot
        bench.nodes[0].gap = range(landed_at, landed_at + 1)
        executor = bench.executor()
        with pytest.raises(OutcomeUnknown, match=r"lacks blocks between slot \d+ and .* name a node that was not down then \(-u\)"):
            await executor.continue_order(order.id, wait_ms=EXPIRY_MS)
        assert len(bench.signer.signed) == 1 and (await bench.check_journal(order)).order.state is OrderState.SUBMITTED
        bench.nodes[0].gap = range(0)
        assert (await executor.continue_order(order.id)).state is OrderState.CONFIRMED


@pytest.mark.parametrize("nodes", [1, 2, 3])
async def test_a_gap_takes_a_witness_away_where_it_could_hold_the_bytes(tmp_path: Path, nodes: int) -> None:
    async with open_bench(tmp_path, nodes=nodes) as bench:
        attempt = await signed_and_expired(bench)
        node, since = bench.nodes[0], attempt.blockhash_slot
        assert since is not None
        until = attempt.last_valid_block_height + bench.chain.skipped_slots
        for slot, matters in ((since, False), (since + 1, True), (until, True), (until + 1, False)):
            node.gap = range(slot, slot + 1)
            proof = await prove_expired(attempt, bench.nodes)
            assert isinstance(proof, Unproven if matters and nodes < 3 else ExpiryProof), slot
            assert not isinstance(proof, ExpiryProof) or proof.witnesses == nodes - matters
        node.gap = range(since, until)
        node.lists_blocks = False
        assert isinstance(await prove_expired(attempt, bench.nodes), ExpiryProof), "what it does not offer is no fault of it"
        node.lists_blocks, node.fault = True, only("has_blocks", RpcUnreachable("timeout"))
        proof = await prove_expired(attempt, bench.nodes)
        assert isinstance(proof, ExpiryProof if nodes == 3 else Unproven)


async def test_where_the_proof_begins(tmp_path: Path) -> None:
    """To the block and to the slot: one less proves nothing. A node that does not tell whether it still takes a blockhash is
    believed about its heights."""
    async with open_bench(tmp_path) as bench:
        attempt = await signed_and_expired(bench)
        (node,), since = bench.nodes, attempt.blockhash_slot
        assert since is not None
        finalized, _ = await node.block_height(Commitment.FINALIZED)
        for last, dead in ((finalized, False), (finalized - 1, True)):
            proof = await prove_expired(replace(attempt, last_valid_block_height=last), bench.nodes)
            assert isinstance(proof, ExpiryProof) == dead
        for first_slot, dead in ((since + 2, False), (since + 1, True)):
            node.first_slot = first_slot
            assert isinstance(await prove_expired(attempt, bench.nodes), ExpiryProof) == dead

        async def untold(blockhash: Hash) -> None:
            return None

        node.is_blockhash_valid = untold  # type: ignore[method-assign]
        assert isinstance(await prove_expired(attempt, bench.nodes), ExpiryProof)


async def test_a_witness_that_has_not_seen_what_the_other_finalized_is_none_yet(tmp_path: Path) -> None:
    async with open_bench(tmp_path, nodes=2) as bench:
        attempt = await signed_and_expired(bench)
        bench.nodes[1].lag = DEPTH[Commitment.FINALIZED] + 1
        assert isinstance(await prove_expired(attempt, bench.nodes), Unproven)
        bench.nodes[1].lag = DEPTH[Commitment.FINALIZED]
        assert isinstance(await prove_expired(attempt, bench.nodes), ExpiryProof)


@pytest.mark.parametrize("lag", [0, 10_000])
async def test_two_silent_witnesses_are_none_beside_one_that_knows_it(tmp_path: Path, lag: int) -> None:
    """However far that one is: what it has seen may be on the chain that wins."""
    async with open_bench(tmp_path, nodes=3) as bench:
        attempt = await signed_and_expired(bench)
        bench.nodes[2].status_of_all, bench.nodes[2].lag = True, lag
        assert isinstance(await prove_expired(attempt, bench.nodes), Unproven)
        bench.nodes[2].status_of_all = False
        assert isinstance(await prove_expired(attempt, bench.nodes), ExpiryProof)


async def signed_and_expired(bench: Bench) -> Attempt:
    """An attempt that no leader took, long past its last block height."""
    bench.chain.accepts = lambda wire: False
    order = bench.order()
    bench.clock.elapsed_ms += 10_000 * SLOT_MS
    with pytest.raises(OutcomeUnknown):
        await bench.executor(max_attempts=1).execute(order, wait_ms=0)
    (attempt,) = (await bench.receipt(order)).attempts
    bench.clock.elapsed_ms += 2 * EXPIRY_MS
    return attempt
