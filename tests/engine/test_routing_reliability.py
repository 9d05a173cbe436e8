"""Trust in pools, out of how attempts through them ended."""

from __future__ import annotations

from typing import Any

import pytest

from dexroute.engine.routing.reliability import COOLING_MS, FAILURE_COSTS_PPM, PoolRecord, penalties_ppm, pool_records
from dexroute.fetchers import VENUES
from dexroute.types.orders import Failure, SwapAmounts
from dexroute.types.records import AttemptRecord, RecordedOutcome
from tests.engine.small_market import named_key

CPMM, CLMM = "raydium-cpmm", "raydium-clmm"
P, Q, NEW = (named_key(name) for name in "PQN")
LANDED, FAILED, EXPIRED, REFUSED = (
    RecordedOutcome.LANDED, RecordedOutcome.LANDED_WITH_ERROR, RecordedOutcome.EXPIRED, RecordedOutcome.REFUSED,
)  # fmt: skip
NOW = 10**12


def attempt(outcome: RecordedOutcome, *, ago_ms: int = 0, route: Any = ((P, CPMM),), **context: Any) -> AttemptRecord:
    failed = outcome in (FAILED, REFUSED)
    return AttemptRecord(
        pools=route,
        outcome=outcome,
        at_ms=NOW - ago_ms,
        failure=Failure(code="X", message="m", context=context) if failed else None,
    )


def records(*attempts: AttemptRecord) -> dict[Any, PoolRecord]:
    return pool_records(attempts, VENUES)


def penalty(*attempts: AttemptRecord, venue: str = CPMM, pool: Any = P) -> int:
    return penalties_ppm([(pool, venue)], records(*attempts))[pool]


def test_a_good_record_is_worth_more_than_none_and_a_bad_one_less() -> None:
    good, bad = [attempt(LANDED)] * 20, [attempt(FAILED)] * 20
    assert penalty(*good) < penalty(*good[:2]) < penalty() < penalty(*bad[:1]) < penalty(*bad) <= FAILURE_COSTS_PPM
    assert penalty() == FAILURE_COSTS_PPM // 8
    assert penalty(*good, *[attempt(EXPIRED)]) < penalty(*good, *[attempt(REFUSED)]), "an expiry is mostly the network's"


def test_a_new_pool_is_trusted_as_its_venue_is() -> None:
    known = [attempt(LANDED)] * 30 + [attempt(FAILED, route=((Q, CLMM),))] * 30
    assert penalty(*known, pool=NEW, venue=CPMM) < penalty(pool=NEW) < penalty(*known, pool=NEW, venue=CLMM)


def test_what_landed_below_its_quote_counts() -> None:
    def landed(executed: SwapAmounts) -> AttemptRecord:
        quoted = SwapAmounts(amount_in=10_000, amount_out=10_000)
        return AttemptRecord(pools=((P, CPMM),), outcome=LANDED, at_ms=NOW, quoted=quoted, executed=executed)

    exact = landed(SwapAmounts(amount_in=10_000, amount_out=10_000))
    less = landed(SwapAmounts(amount_in=10_000, amount_out=9_950))
    more = landed(SwapAmounts(amount_in=10_050, amount_out=10_000))
    better = landed(SwapAmounts(amount_in=10_000, amount_out=10_500))
    assert records(exact, less)[P].average_shortfall_ppm == 2_500
    assert records(more)[P].average_shortfall_ppm == 5_000
    assert records(better)[P].average_shortfall_ppm == 0
    assert penalty(less) - penalty(exact) == 5_000


def test_the_pool_whose_program_failed_is_to_blame_and_no_other() -> None:
    route = ((P, CPMM), (Q, CLMM))
    program = str(VENUES[CLMM].program_id)
    for context in ({"program": program}, {"logs": ["Program x invoke", f"Program {program} failed: custom program error: 0x1"]}):
        found = records(attempt(REFUSED, route=route, **context))
        assert (found[P].refused, found[Q].refused) == (0, 1)
    both = records(attempt(FAILED, route=route, logs=["nothing to see"]))
    assert (both[P].landed_with_error, both[Q].landed_with_error) == (1, 1)
    for fault in ("permanent", "transient"):
        innocent = records(attempt(FAILED, route=route, error_class=fault))
        assert [record.attempts for record in innocent.values()] == [0, 0]


def test_cooling_down() -> None:
    excluded = attempt(FAILED, ago_ms=60_000, error_class="exclude_pool", cause="raydium-cpmm: NotApproved (6004): closed; wait")
    record = records(excluded)[P]
    assert record.cooling(NOW) == "failed on chain: raydium-cpmm: NotApproved (6004) 1 min ago; tried again in 14 min"
    assert record.cooling(NOW + COOLING_MS - 60_001) is not None
    assert record.cooling(NOW + COOLING_MS - 60_000) is None
    assert record.cooling(NOW - 120_000) is None, "a clock set back cools nothing for ever"

    twice = records(attempt(REFUSED, ago_ms=50), attempt(FAILED, ago_ms=9))[P]
    assert (twice.cooling(NOW) or "").startswith("2 failures in a row, the last 0 min ago")
    assert records(attempt(REFUSED))[P].cooling(NOW) is None
    mended = records(attempt(FAILED), attempt(FAILED), attempt(LANDED), attempt(FAILED))[P]
    assert mended.cooling(NOW) is None and mended.in_a_row == 1
    assert records(attempt(EXPIRED), attempt(EXPIRED))[P].cooling(NOW) is None


@pytest.mark.parametrize("said", ["something new", None, 7])
def test_classes_of_other_editions_are_no_bug(said: object) -> None:
    assert records(attempt(FAILED, error_class=said))[P].landed_with_error == 1
