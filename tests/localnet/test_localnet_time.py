"""Slots, blockhashes and commitment levels follow the clock."""

from __future__ import annotations

from typing import Any

from solders.keypair import Keypair

PROCESSED = {"commitment": "processed"}
CONFIRMED = {"commitment": "confirmed"}
FINALIZED = {"commitment": "finalized"}


async def test_slots_and_heights_follow_elapsed_time(rpc: Any, time: Any) -> None:
    assert await rpc.result("getSlot", PROCESSED) == 1
    time.pass_slots(100)
    assert [await rpc.result("getSlot", level) for level in (PROCESSED, CONFIRMED, FINALIZED)] == [101, 100, 69]
    assert [await rpc.result("getBlockHeight", level) for level in (PROCESSED, CONFIRMED, FINALIZED)] == [101, 100, 69]


async def test_a_status_rises_from_processed_to_finalized(rpc: Any, time: Any) -> None:
    signature = await rpc.result("requestAirdrop", str(Keypair().pubkey()), 10**9)
    seen = []
    for slots in (0, 1, 30, 1):
        time.pass_slots(slots)
        (status,) = await rpc.value("getSignatureStatuses", [signature])
        seen.append((status["confirmationStatus"], status["confirmations"]))
    assert seen == [("processed", 0), ("confirmed", 1), ("confirmed", 31), ("finalized", None)]


async def test_reads_see_what_their_commitment_has_reached(rpc: Any, time: Any) -> None:
    address = str(Keypair().pubkey())
    await rpc.result("requestAirdrop", address, 5 * 10**9)
    levels = (PROCESSED, CONFIRMED, FINALIZED)
    assert [await rpc.value("getBalance", address, level) for level in levels] == [5 * 10**9, 0, 0]
    time.pass_slots(1)
    assert [await rpc.value("getBalance", address, level) for level in levels] == [5 * 10**9, 5 * 10**9, 0]
    time.pass_slots(31)
    assert [await rpc.value("getBalance", address, level) for level in levels] == [5 * 10**9] * 3


async def test_min_context_slot_is_refused_until_reached(rpc: Any, time: Any) -> None:
    error = await rpc.error("getSlot", {"commitment": "confirmed", "minContextSlot": 50})
    assert error == {"code": -32016, "message": "Minimum context slot has not been reached", "data": {"contextSlot": 0}}
    time.pass_slots(50)
    assert await rpc.result("getSlot", {"commitment": "confirmed", "minContextSlot": 50}) == 50
