"""One swap on each kind of node that is not quite as it should be: it lands once, and says what the server did."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.planning.tip import JITO_TIP_ACCOUNTS
from tests.e2e.chain import Pace
from tests.e2e.conftest import Opener
from tests.e2e.node import Sloppiness
from tests.e2e.stage import Stage

BARE = frozenset(
    {
        "getRecentPrioritizationFees",
        "getEpochInfo",
        "getGenesisHash",
        "getMinimumBalanceForRentExemption",
        "getVersion",
        "getHealth",
    }
)
NODES = {
    "bare": (Pace(), Sloppiness(api_version=False, program_accounts=-32601, missing=BARE)),
    # Time stands still between requests; getProgramAccounts gives all there is, and every connection ends after one answer.
    "clocked-by-requests": (
        Pace(slot_ms=0, per_request=2, land_after=3, confirm_after=4),
        Sloppiness(program_accounts="unfiltered", hang_up=True),
    ),
    "slow": (
        Pace(land_after=12, confirm_after=10, finalize_after=30),
        Sloppiness(duplicate_error=True, program_accounts=-32010),
    ),
    "rate-limited": (Pace(), Sloppiness(limit_every=2)),
    "lagging": (Pace(), Sloppiness(lag_every=3)),
    "lagging-and-silent-about-sends": (
        Pace(),
        Sloppiness(lag_every=2, knows_min_context_slot=False, drop_sends=2, duplicate_error=True),
    ),
    "at-the-last-block": (Pace(slot_ms=200, hash_blocks=100, finalize_after=10), Sloppiness(late=True)),
}


@pytest.mark.parametrize("name", NODES)
async def test_a_swap_lands_once(open_stage: Opener, name: str) -> None:
    pace, sloppy = NODES[name]
    stage: Stage = await open_stage(pace, sloppy)
    a, b = stage.token(6), stage.token(9)
    pool = stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    words = ["--pool", str(pool)] if isinstance(sloppy.program_accounts, int) else []
    settings = {}
    if name == "slow":  # also on finalized state, whose blockhashes are others, and with a second node that must agree
        words += ["--commitment", "finalized"]
        witness = await stage.second_node(Sloppiness(lag_every=2, missing=frozenset({"sendTransaction"})))
        settings = {"witness_url": witness.url}
        await stage.until_finalized()  # the pool was made by transactions just now
    if sloppy.late:
        stage.hurry_once_sent(90)
    order = await stage.swap("5", str(a), str(b), *words, **settings)
    assert len(order["attempts"]) == 1 and len(set(stage.node.sent)) == 1
    assert (order["amount_in"], order["amount_out"]) == (order["quoted"]["amount_in"], order["quoted"]["amount_out"])
    assert (stage.node.refused > 10) == (sloppy.limit_every > 0) and (stage.node.lagged > 2) == (sloppy.lag_every > 0)


async def test_a_node_that_stops_telling_its_cluster_makes_no_second_one(open_stage: Opener) -> None:
    """Orders under a name of its own nobody would take up once it tells again, and their keys would be another cluster's."""
    stage: Stage = await open_stage(Pace(), Sloppiness())
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    words = ("5", str(a), str(b), "--yes", "--key")
    first = await stage.dex("swap", *words, "first")
    stage.node.sloppy = Sloppiness(missing=frozenset({"getGenesisHash"}))
    for asked in (("swap", *words, "first"), ("submit", *words, "second"), ("orders", "resume"), ("worker", "--until-idle")):
        refused = (await stage.dex(*asked, code=5))["error"]
        assert refused["code"] == "NETWORK" and refused["retryable"] and "did before" in refused["message"]
    stage.node.sloppy = Sloppiness()
    assert (await stage.dex("swap", *words, "first"))["id"] == first["id"]
    assert (await stage.dex("submit", *words, "second"))["state"] == "PENDING"
    await stage.dex("orders", "resume")
    orders = (await stage.dex("orders", "list"))["orders"]
    assert [(order["key"], order["state"]) for order in orders] == [("second", "CONFIRMED"), ("first", "CONFIRMED")]


async def test_bytes_that_never_land_are_replaced_once_proven_dead(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=200, hash_blocks=80, finalize_after=10), Sloppiness(lose=1))
    stage.hurry_once_sent(80)
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    for account in JITO_TIP_ACCOUNTS:
        stage.chain.put(account, Pubkey.default(), b"")
    # The block engine is not there: swaps tip all the same, and land through the node.
    engine = {"jito_url": "http://127.0.0.1:9", "jito_tip_lamports": 10_000, "policy_max_tip_lamports": 12_000}
    order = await stage.swap("5", str(a), str(b), **engine)
    assert [attempt["outcome"] for attempt in order["attempts"]][-1] == "landed"
    dead = [attempt["signature"] for attempt in order["attempts"] if attempt["outcome"] == "expired"]
    assert len(order["attempts"]) == len(dead) + 1 >= 2 and len(set(stage.node.sent)) == len(order["attempts"])
    prices, tips = zip(*map(bid_of, dict.fromkeys(stage.node.sent)), strict=True)
    assert all(later >= earlier * 3 // 2 for earlier, later in pairwise(prices)) and prices[0] > 0
    assert tips == (10_000, *[12_000] * (len(tips) - 1)), "half more would be 15,000, and the cap is 12,000"


def bid_of(wire: bytes) -> tuple[int, int]:
    """(micro-lamports per compute unit, lamports of the plain transfers) of a transaction."""
    message = VersionedTransaction.from_bytes(wire).message
    calls = [(str(message.account_keys[call.program_id_index]), bytes(call.data)) for call in message.instructions]
    (price,) = [data[1:] for program, data in calls if program.startswith("ComputeBudget") and data[0] == 3]
    paid = [data[4:] for program, data in calls if program == "1" * 32 and data[:4] == b"\2\0\0\0"]
    return int.from_bytes(price, "little"), sum(int.from_bytes(lamports, "little") for lamports in paid)


async def test_a_node_that_answers_slots_as_block_heights_proves_nothing(open_stage: Opener) -> None:
    """By its heights everything expired long ago. What still can land is never replaced, and lands at the last block it can."""
    stage: Stage = await open_stage(
        Pace(slot_ms=200, hash_blocks=100, finalize_after=10), Sloppiness(late=True, slots_as_heights=True)
    )
    stage.hurry_once_sent(90)
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    order = await stage.swap("5", str(a), str(b))
    assert len(order["attempts"]) == 1 and len(set(stage.node.sent)) == 1
    # and what never lands is not given up on its word
    stage.node.sloppy = Sloppiness(lose=10**9, slots_as_heights=True)
    stage.hurry_once_sent(200)
    unknown = (await stage.dex("swap", "5", str(a), str(b), "--yes", code=5, confirm_timeout_ms=8_000))["error"]
    assert unknown["code"] == "OUTCOME_UNKNOWN" and "those are slots, not block heights" in unknown["message"]
    assert stage.chain.height(stage.chain.slot_at("finalized")) > 1_200, "the blockhash has expired by now"


async def test_a_node_that_was_down_when_it_landed_proves_nothing(open_stage: Opener) -> None:
    """It came back from a snapshot: it has what was before and what is now, and no block of the time between."""
    stage: Stage = await open_stage(Pace(slot_ms=40, hash_blocks=60, confirm_after=2, finalize_after=4))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    await stage.swap("5", str(a), str(b))
    stage.node.sloppy = Sloppiness(missing=frozenset({"getSignatureStatuses"}))
    unknown = (await stage.dex("swap", "5", str(a), str(b), "--yes", code=5, confirm_timeout_ms=1_000))["error"]
    (landed,) = [one for one in stage.landed() if one == unknown["context"]["signature"]]
    slot = stage.chain.landed[Signature.from_string(landed)].slot
    blockhash = VersionedTransaction.from_bytes(stage.node.sent[-1]).message.recent_blockhash
    while stage.chain.valid_at(blockhash, stage.chain.slot_at("finalized")):
        await asyncio.sleep(0.1)
    # slots without a block are in between: one of them alone, and no block would be missing
    stage.node.sloppy = Sloppiness(gap=range(slot - 1, slot + 2))
    child = await stage.launch("orders", "resume", confirm_timeout_ms=3_000)
    told, _ = await child.communicate()
    assert child.returncode == 5 and b"a node lacks blocks between slot" in told and len(set(stage.node.sent)) == 2
    stage.node.sloppy = Sloppiness()
    (order,) = (await stage.dex("orders", "resume"))["orders"]
    assert order["state"] == "CONFIRMED" and order["signature"] == landed and len(stage.landed()) == 2


async def test_a_node_that_takes_no_transactions_is_named_and_the_order_waits_for_a_better_one(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(hash_blocks=2_000), Sloppiness(missing=frozenset({"sendTransaction"})))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    unknown = (await stage.dex("swap", "5", str(a), str(b), "--yes", code=5, confirm_timeout_ms=1_000))["error"]
    assert unknown["code"] == "OUTCOME_UNKNOWN" and unknown["retryable"] and stage.landed() == []
    assert "sendTransaction" in unknown["message"] and unknown["context"]["signature"] in unknown["message"]
    stage.node.sloppy = Sloppiness()
    (order,) = (await stage.dex("orders", "resume"))["orders"]
    stage.check_order(order, a, b)
    assert stage.landed() == [order["signature"]] == [unknown["context"]["signature"]]
    assert (10**9 - stage.holding(a), stage.holding(b)) == (int(order["amount_in"]), int(order["amount_out"]))
