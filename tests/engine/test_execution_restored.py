"""A journal restored from a backup: what it forgot is waited out and looked up on the chain, and never signed a second time."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.engine.execution.recovery import resume
from dexroute.engine.execution.restored import RESTORED, RestoreGuard, read_restored
from dexroute.errors import JournalRestored, OrderInDoubt, OutcomeUnknown, RpcError
from dexroute.storage.store import open_store
from dexroute.types.chain import HistoryEntry, LandedTransaction
from dexroute.types.orders import AttemptOutcome, Order, OrderState
from tests.engine.simulated_bench import Bench, open_bench
from tests.engine.simulated_chain import SLOT_MS, SimulatedNode
from tests.simulation.memory_store import MemoryStore

WAIT_MS = 340 * SLOT_MS  # all that was ever signed has expired, finalized


@asynccontextmanager
async def reopened(bench: Bench, file: Path) -> AsyncIterator[Bench]:
    async with open_store(file) as store:
        yield replace(bench, store=store, seen=[])


async def backed_up(tmp_path: Path, bench: Bench, *, placed: bool) -> Order:
    """A journal with one finished order, and, with `placed`, an order nothing was signed for yet."""
    await bench.executor().execute(bench.order())
    asked = bench.order(key="pay day")
    if placed:
        await bench.store.place(asked)
    return asked


async def swapped_then_restored(tmp_path: Path, *, placed: bool, lands: bool = True) -> tuple[Bench, Order]:
    """The order was carried out (or only signed), and then the journal is as it was before that."""
    file = tmp_path / "journal.db"
    async with open_bench(tmp_path) as bench:
        asked = await backed_up(tmp_path, bench, placed=placed)
    shutil.copy(file, tmp_path / "backup.db")
    async with reopened(bench, file) as later:
        bench.chain.accepts = lambda wire: lands
        order, _ = await later.store.place(asked)
        if lands:
            assert (await later.executor().continue_order(order.id)).state is OrderState.CONFIRMED
        else:
            with pytest.raises(OutcomeUnknown):
                await later.executor().continue_order(order.id, wait_ms=0)
        bench.chain.accepts = lambda wire: True
    shutil.copy(tmp_path / "backup.db", file)
    return bench, asked


@pytest.mark.parametrize("placed", [True, False])
async def test_a_swap_the_journal_forgot_is_not_done_again(tmp_path: Path, placed: bool) -> None:
    bench, asked = await swapped_then_restored(tmp_path, placed=placed)
    signed = len(bench.signer.signed)
    async with reopened(bench, tmp_path / "journal.db") as restored:
        executor = restored.executor()
        for wanted in (asked, bench.order(), bench.order(key="another")):
            with pytest.raises(JournalRestored, match="lacks 1 signatures") as waiting:
                await executor.execute(wanted)
            assert waiting.value.exit_code == 5 and waiting.value.retryable
        assert len(await restored.store.orders()) == 1 + placed, "refused before it was recorded"
        bench.clock.elapsed_ms += WAIT_MS
        with pytest.raises(OrderInDoubt, match=str(bench.signer.signed[1])) as doubt:
            await executor.execute(asked)
        assert doubt.value.exit_code == 4 and set(doubt.value.context["changes"].values()) >= {"-1000000", "500000"}
        assert len(bench.signer.signed) == signed and bench.chain.swaps(asked) == 1
        if placed:
            (recovered,) = await resume(executor)
            assert isinstance(recovered.error, OrderInDoubt) and recovered.order.is_open, "left for a person"
            assert (await executor.cancel(asked.id)).state is OrderState.CANCELLED
        new = bench.order()
        assert (await executor.execute(new)).state is OrderState.CONFIRMED, "an order that repeats nothing goes on"
        await restored.store.accept_lost()
        assert await read_restored(restored.store) is None
    assert bench.chain.swaps(asked) == 1


async def test_what_never_landed_is_signed_for_once_it_never_can(tmp_path: Path) -> None:
    bench, asked = await swapped_then_restored(tmp_path, placed=True, lands=False)
    async with reopened(bench, tmp_path / "journal.db") as restored:
        (recovered,) = await resume(restored.executor())
        assert isinstance(recovered.error, JournalRestored) and len(bench.signer.signed) == 2
        bench.clock.elapsed_ms += WAIT_MS
        for wire in list(bench.chain.sends):
            bench.chain.receive(wire)  # too late
        (recovered,) = await resume(restored.executor())
        receipt = await restored.receipt(asked)
        assert recovered.order.state is OrderState.CONFIRMED and bench.chain.swaps(asked) == 1
        assert [attempt.outcome for attempt in receipt.attempts] == [AttemptOutcome.LANDED]


async def test_a_node_without_history_leaves_it_to_a_person(tmp_path: Path) -> None:
    bench, asked = await swapped_then_restored(tmp_path, placed=True)
    async with reopened(bench, tmp_path / "journal.db") as restored:
        with pytest.raises(JournalRestored):
            await restored.executor().continue_order(asked.id)
        bench.clock.elapsed_ms += WAIT_MS
        missing = RpcError("no such method", unsupported=True)
        bench.nodes[0].fault = lambda method: missing if method == "signatures_of" else None
        with pytest.raises(OrderInDoubt, match="no node tells"):
            await restored.executor().continue_order(asked.id)
        assert (await restored.executor().execute(bench.order())).state is OrderState.CONFIRMED


async def test_a_journal_that_only_crashed_was_not_restored(tmp_path: Path) -> None:
    """Between the commit of a signature and its count the journal is ahead: that is no restore, and neither is a new journal."""
    file = tmp_path / "journal.db"
    async with open_bench(tmp_path) as bench:
        await bench.executor().execute(bench.order())
    count = tmp_path / "journal.db.signed"
    assert int(count.read_text()) == 1 and count.stat().st_mode & 0o777 == 0o600
    count.write_text("0" * 20 + "\n")
    async with reopened(bench, file) as again:
        assert await read_restored(again.store) is None
    assert int(count.read_text()) == 1
    count.unlink()
    async with reopened(bench, file) as again:
        assert await read_restored(again.store) is None
    for part in tmp_path.glob("journal.db*"):
        part.rename(tmp_path / f"aside-{part.name}") if part != count else None
    async with reopened(bench, file) as anew:
        assert await read_restored(anew.store) is None and await anew.store.orders() == ()
        assert (await anew.executor().execute(bench.order())).state is OrderState.CONFIRMED


async def test_the_same_backup_restored_again_is_noticed_again(tmp_path: Path) -> None:
    bench, _ = await swapped_then_restored(tmp_path, placed=False)
    file = tmp_path / "journal.db"
    async with reopened(bench, file) as restored:
        state = await read_restored(restored.store)
        assert state is not None and state["missing"] == 1
    shutil.copy(tmp_path / "backup.db", file)  # the same backup once more: its copy has forgotten even the restore
    async with reopened(bench, file) as again:
        state = await read_restored(again.store)
        assert state is not None and state["missing"] == 1
        await again.store.accept_lost()
    async with reopened(bench, file) as accepted:
        assert await read_restored(accepted.store) is None


async def test_a_whole_directory_restored_is_noticed_by_what_lies_outside_it(tmp_path: Path) -> None:
    """The count lies beside the journal and came back with it."""
    home, backup, outside = tmp_path / "home", tmp_path / "backup", tmp_path / "outside"
    home.mkdir()
    async with open_bench(home, elsewhere=outside) as bench:
        await bench.executor().execute(bench.order())
    shutil.copytree(home, backup)
    for _ in range(2):  # the same backup twice: the second time there is another loss beside the first
        async with open_store(home / "journal.db", elsewhere=outside) as store:
            later = replace(bench, store=store, seen=[])
            asked = bench.order(key=f"pay day {len(bench.signer.signed)}")
            assert (await later.executor().execute(asked)).state is OrderState.CONFIRMED
        shutil.rmtree(home)
        shutil.copytree(backup, home)
        async with open_store(home / "journal.db", elsewhere=outside) as store:
            restored = replace(bench, store=store, seen=[])
            executor = restored.executor()
            with pytest.raises(JournalRestored, match="lacks 1 signatures"):
                await executor.execute(asked)
            bench.clock.elapsed_ms += WAIT_MS
            with pytest.raises(OrderInDoubt, match=str(bench.signer.signed[-1])):
                await executor.execute(asked)
            assert bench.chain.swaps(asked) == 1
            await store.accept_lost()
        async with open_store(home / "journal.db", elsewhere=outside) as store:
            assert await read_restored(store) is None, "accepted, and signed nothing since"


async def test_a_backup_that_knows_an_older_loss_does_not_hide_the_next(tmp_path: Path) -> None:
    bench, asked = await swapped_then_restored(tmp_path, placed=False)
    file = tmp_path / "journal.db"
    async with reopened(bench, file) as restored:
        with pytest.raises(JournalRestored):
            await restored.executor().execute(asked)
        bench.clock.elapsed_ms += WAIT_MS
        assert (await restored.executor().execute(bench.order())).state is OrderState.CONFIRMED
    shutil.copy(file, tmp_path / "backup.db")
    async with reopened(bench, file) as later:
        lost = bench.order(key="a second pay day", slippage_bps=51)
        assert (await later.executor().execute(replace(lost, key=lost.id))).state is OrderState.CONFIRMED
    shutil.copy(tmp_path / "backup.db", file)
    async with reopened(bench, file) as again:
        state = await read_restored(again.store)
        assert state is not None and state["missing"] == 2 and not state.get("over"), "waited out and looked up anew"


async def test_where_nothing_can_be_kept_outside_orders_are_carried_out_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    async with open_bench(tmp_path, elsewhere=tmp_path / "a file") as bench:
        assert (await bench.executor().execute(bench.order())).state is OrderState.CONFIRMED
    async with open_store(tmp_path / "journal.db", elsewhere=tmp_path / "a file") as store:
        assert await read_restored(store) is None


async def test_a_copy_tried_out_elsewhere_is_no_restore(tmp_path: Path) -> None:
    home, copy, outside = tmp_path / "home", tmp_path / "copy", tmp_path / "outside"
    home.mkdir()
    async with open_bench(home, elsewhere=outside) as bench:
        await bench.executor().execute(bench.order())
    shutil.copytree(home, copy)
    async with open_store(home / "journal.db", elsewhere=outside) as store:
        await replace(bench, store=store).executor().execute(bench.order())
    async with open_store(copy / "journal.db", elsewhere=outside) as store:
        assert await read_restored(store) is None


async def test_the_node_that_is_ahead_says_how_long_to_wait_and_the_one_behind_when_it_is_over(tmp_path: Path) -> None:
    bench, asked = await swapped_then_restored(tmp_path, placed=False)
    behind = SimulatedNode(chain=bench.chain, lag=200)
    bench.nodes.append(behind)
    bench.clock.elapsed_ms += 1_000 * SLOT_MS
    async with reopened(bench, tmp_path / "journal.db") as restored:
        with pytest.raises(JournalRestored) as waiting:
            await restored.executor().execute(asked)
        assert waiting.value.context["until_height"] == bench.chain.height(bench.chain.slot) + 300
        bench.clock.elapsed_ms += WAIT_MS
        with pytest.raises(JournalRestored):
            await restored.executor().execute(asked)
        behind.lag = 0
        with pytest.raises(OrderInDoubt):
            await restored.executor().execute(asked)
        assert bench.chain.swaps(asked) == 1


@pytest.mark.parametrize("gap", ["more than is told", "one that is not shown"])
async def test_a_history_with_a_gap_leaves_it_to_a_person(tmp_path: Path, gap: str) -> None:
    """The swap may be in what a node does not tell: further back than it answers at once, or in a transaction it no longer has."""
    bench, asked = await swapped_then_restored(tmp_path, placed=False)
    (node,) = bench.nodes
    others = tuple(HistoryEntry(signature=str(Signature.new_unique()), slot=2_000, failed=True) for _ in range(1_000))

    async def newest(address: Pubkey) -> tuple[HistoryEntry, ...]:
        return others

    async def nothing(signature: Signature) -> LandedTransaction | None:
        return None

    silence = patch.object(node, *(("signatures_of", newest) if gap == "more than is told" else ("transaction", nothing)))
    async with reopened(bench, tmp_path / "journal.db") as restored:
        with pytest.raises(JournalRestored):
            await restored.executor().execute(asked)
        bench.clock.elapsed_ms += WAIT_MS
        with silence, pytest.raises(OrderInDoubt, match="no node tells"):
            await restored.executor().execute(asked)
        assert bench.chain.swaps(asked) == 1


@pytest.mark.parametrize("leased", [True, False])
async def test_a_journal_that_others_open_too_may_be_restored_while_this_process_runs(leased: bool) -> None:
    store = MemoryStore(leased=leased)
    guard = RestoreGuard(store, [])
    assert await guard.is_clear()
    await store.note(RESTORED, '{"missing": 1}')
    assert await guard.is_clear() != leased, "asked once where this process alone holds the journal, every time where it does not"
