"""The guards of a quote: what the caller's limits say about the market it was read from. All refuse before anything is built."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dexroute.engine.planning.guards import check_price_impact, check_slot_age
from dexroute.engine.planning.reference_price import (
    ReferencePrice,
    check_deviation,
    deviation_bps,
    oracle_reference,
    pools_reference,
)
from dexroute.engine.routing import RouteQuote
from dexroute.fetchers.loader import LoadedPools
from dexroute.sdk.reserves import reserves_of
from dexroute.sdk.terms import SwapTerms
from dexroute.types.chain import Commitment
from dexroute.types.mints import Mint

if TYPE_CHECKING:
    from dexroute.ports import TransactionSender

NewestSlot = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What the guards saw of a quote that passed. `deviation_bps` is how much less than at the least favourable reference the route
    delivers, rounded up, fees and impact included (negative: more); None without a reference. `newest_slot` is None where no limit
    asked for it."""

    price_impact_bps: int | None
    references: tuple[ReferencePrice, ...]
    deviation_bps: int | None
    newest_slot: int | None
    slot_age: int | None


async def check_guards(best: RouteQuote, loaded: LoadedPools, terms: SwapTerms, newest_slot: NewestSlot) -> GuardReport:
    """Raises PriceImpactTooHigh, PriceDeviation, OracleUnusable, StaleSnapshot, UsageError for limits that cannot be meant;
    NetworkError when the cluster's newest slot is wanted and not to be had."""
    impact = check_price_impact(best, loaded.pools, terms.max_impact_bps)
    references = _references(loaded, terms)
    check_deviation(best, references, terms.max_deviation_bps)
    newest = age = None
    if terms.max_slot_age is not None:
        newest = await newest_slot()
        age = check_slot_age(loaded.snapshot.clock.slot, newest, terms.max_slot_age)
    worst = max((deviation_bps(best, reference) for reference in references), default=None)
    return GuardReport(
        price_impact_bps=impact,
        references=references,
        deviation_bps=None if worst is None else -(-worst // 1),
        newest_slot=newest,
        slot_age=age,
    )


async def newest_known_slot(senders: Sequence[TransactionSender]) -> int:
    """The newest slot any of the nodes has processed: a second node tells when the first one lags. Raises NetworkError when the
    first does not answer."""
    answers = await asyncio.gather(*(sender.block_height(Commitment.PROCESSED) for sender in senders), return_exceptions=True)
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return max(answer[1] for answer in answers if not isinstance(answer, BaseException))


def _references(loaded: LoadedPools, terms: SwapTerms) -> tuple[ReferencePrice, ...]:
    request, snapshot = terms.request, loaded.snapshot
    ends = {request.input_mint, request.output_mint}
    # Of thousands of pools only those of one of the two tokens can say anything.
    near = [pool for pool in loaded.pools.values() if not ends.isdisjoint(mint.address for mint in pool.mints)]
    reserves = {pool.address: reserves_of(pool, loaded.learned.get(pool.address, ()), snapshot) for pool in near}
    found = []
    if (pools := pools_reference(near, reserves, request.input_mint, request.output_mint)) is not None:
        found.append(pools)
    if terms.oracle is not None:
        mints: dict[object, Mint] = {mint.address: mint for pool in loaded.pools.values() for mint in pool.mints}
        paid, got = mints[request.input_mint], mints[request.output_mint]
        found.append(oracle_reference(terms.oracle, snapshot, paid, got))
    return tuple(found)
