"""One swap on each kind of node that is not quite as it should be: it lands once, and says what the server did."""

from __future__ import annotations

import pytest

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
    "at-the-last-block": (Pace(slot_ms=40, hash_blocks=50, finalize_after=10), Sloppiness(late=True)),
}


@pytest.mark.parametrize("name", NODES)
async def test_a_swap_lands_once(open_stage: Opener, name: str) -> None:
    pace, sloppy = NODES[name]
    stage: Stage = await open_stage(pace, sloppy)
    a, b = stage.token(6), stage.token(9)
    pool = stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    words = ["--pool", str(pool)] if isinstance(sloppy.program_accounts, int) else []
    order = await stage.swap("5", str(a), str(b), *words)
    assert len(order["attempts"]) == 1 and len(set(stage.node.sent)) == 1
    assert (order["amount_in"], order["amount_out"]) == (order["quoted"]["amount_in"], order["quoted"]["amount_out"])
    assert (stage.node.refused > 10) == (sloppy.limit_every > 0) and (stage.node.lagged > 5) == (sloppy.lag_every > 0)


async def test_bytes_that_never_land_are_replaced_once_proven_dead(open_stage: Opener) -> None:
    stage: Stage = await open_stage(Pace(slot_ms=40, hash_blocks=40, finalize_after=10), Sloppiness(lose_sends=3))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    order = await stage.swap("5", str(a), str(b))
    assert [attempt["outcome"] for attempt in order["attempts"]][-1] == "landed"
    dead = [attempt["signature"] for attempt in order["attempts"] if attempt["outcome"] == "expired"]
    assert len(order["attempts"]) == len(dead) + 1 >= 2 and len(set(stage.node.sent)) == len(order["attempts"])


async def test_finalized_reads_swap_too(open_stage: Opener) -> None:
    """The blockhash must be one that a simulation on finalized state knows."""
    stage: Stage = await open_stage(Pace(finalize_after=12))
    a, b = stage.token(6), stage.token(9)
    stage.own_pool(a, b, (10**12, 2 * 10**12))
    stage.give(a, 10**9)
    await stage.swap("5", str(a), str(b), "--commitment", "finalized")
