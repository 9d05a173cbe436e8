"""JSON shapes of routes and quotes: what `--format json` prints and what the journal keeps. Amounts are strings."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from dexroute.engine.routing import Candidate, Certificate, LegReport
from dexroute.sdk.quote import Freshness, Quote
from dexroute.types.fees import Fee
from dexroute.types.requests import SwapMode
from dexroute.types.routes import Hop, Route


def fees_json(fees: Iterable[Fee]) -> list[dict[str, str]]:
    return [{"kind": fee.kind.value, "mint": str(fee.mint), "amount": str(fee.amount)} for fee in fees]


def hop_json(hop: Hop) -> dict[str, Any]:
    return {
        "venue": hop.venue_id,
        "pool": str(hop.pool),
        "input_mint": str(hop.input_mint),
        "output_mint": str(hop.output_mint),
        "amount_in": str(hop.amount_in),
        "amount_out": str(hop.amount_out),
        "fees": fees_json(hop.fees),
    }


def route_json(route: Route) -> dict[str, Any]:
    """`{"legs": [{"amount_in", "amount_out", "hops": [...]}]}`, in the order the legs execute."""
    return {
        "legs": [
            {"amount_in": str(leg.amount_in), "amount_out": str(leg.amount_out), "hops": [hop_json(hop) for hop in leg.hops]}
            for leg in route.legs
        ]
    }


def candidate_json(candidate: Candidate, quote_only: Collection[str] = ()) -> dict[str, Any]:
    """One row of the comparison. `venue` is the venue of all its pools, or theirs joined by `+`."""
    quoted = candidate.quote
    return {
        "venue": "+".join(dict.fromkeys(candidate.venue_ids)),
        "venues": list(candidate.venue_ids),
        "pools": [str(pool) for pool in candidate.pools],
        "mints": [str(mint) for mint in candidate.mints],
        "amount_in": str(quoted.amount_in) if quoted else None,
        "amount_out": str(quoted.amount_out) if quoted else None,
        "net": str(candidate.net) if candidate.net is not None else None,
        "price_impact_bps": candidate.price_impact_bps,
        "fees": fees_json(candidate.fees),
        "compute_units": candidate.compute_units,
        "legs": candidate.legs,
        "spent_lamports": str(candidate.spent_lamports),
        "rent_lamports": str(candidate.rent_lamports),
        "handicap": str(candidate.handicap),
        "chosen": candidate.lost is None,
        "swappable": not set(candidate.venue_ids) & set(quote_only),
        "reason": candidate.lost,
        "code": candidate.error.code if candidate.error else None,
    }


def freshness_json(freshness: Freshness) -> dict[str, Any]:
    """What reading the accounts took. `age_slots` 0: read for this quote."""
    return {
        "source": freshness.source.value,
        "warm": freshness.is_warm,
        "accounts": freshness.accounts,
        "age_slots": freshness.age_slots,
        "sources_asked": freshness.sources_asked,
    }


def guards_json(quote: Quote) -> dict[str, Any]:
    """What the guards saw. A reference's `amount_out` is what the route's input is worth at that price, rounded down."""
    guards, terms = quote.guards, quote.terms
    return {
        "max_impact_bps": terms.max_impact_bps,
        "max_deviation_bps": terms.max_deviation_bps,
        "deviation_bps": guards.deviation_bps,
        "references": [
            {
                "source": reference.source,
                "pools": reference.pools,
                "numerator": str(reference.ratio.numerator),
                "denominator": str(reference.ratio.denominator),
                "amount_out": str(quote.amount_in * reference.ratio // 1),
            }
            for reference in guards.references
        ],
        "max_slot_age": terms.max_slot_age,
        "newest_slot": guards.newest_slot,
        "slot_age": guards.slot_age,
    }


def solution_json(quote: Quote, *, now_ms: int) -> dict[str, Any]:
    """A quote with everything that explains its route: legs, costs, certificate. Shares are millionths of the input (exact in) or
    of the output (exact out); the certificate's amounts are of the output (exact in) or of the input (exact out). `net` of the
    costs is what routes are ranked by, and so without the rent of the output's account, which is in `rent_lamports`."""
    solution, chosen, costs = quote.solution, quote.candidates[0], quote.expected_costs
    return quote_json(quote, now_ms=now_ms) | {
        "legs": [leg_json(report) for report in solution.legs],
        "costs": {
            "compute_units": chosen.compute_units,
            "spent_lamports": str(chosen.spent_lamports),
            "network_fee_lamports": str(costs.network_fee_lamports),
            "priority_fee_lamports": str(costs.priority_fee_lamports),
            "tip_lamports": str(costs.tip_lamports),
            "rent_lamports": str(sum(costs.rent_lamports.values())),
            "compute_unit_price_micro_lamports": str(quote.costs.compute_unit_price_micro_lamports),
            "net": str(chosen.net) if chosen.net is not None else None,
        },
        "certificate": None if solution.certificate is None else certificate_json(solution.certificate),
        "unlisted_candidates": solution.unlisted,
    }


def leg_json(report: LegReport) -> dict[str, Any]:
    """One leg, in the order of execution."""
    leg, price = report.leg, report.marginal_price
    return {
        "share_ppm": report.share_ppm,
        "amount_in": str(leg.amount_in),
        "amount_out": str(leg.amount_out),
        "hops": [hop_json(hop) for hop in leg.hops],
        "marginal_price": None if price is None else {"numerator": str(price.numerator), "denominator": str(price.denominator)},
        "price_impact_bps": report.price_impact_bps,
        "fees": fees_json(report.fees),
    }


def certificate_json(proof: Certificate) -> dict[str, Any]:
    return {
        "bound": str(proof.bound),
        "gap_centi_bps": proof.gap_centi_bps,
        "limited_bound": None if proof.limited_bound is None else str(proof.limited_bound),
        "hop_limit_cost": str(proof.hop_limit_cost),
        "leg_limit_cost": str(proof.leg_limit_cost),
        "residual_cost": str(proof.residual_cost),
        "rounding_cost": str(proof.rounding_cost),
        "cycle_cost": str(proof.cycle_cost),
        "arbitrage_bound": str(proof.arbitrage_bound),
        "proven": ["bound", "gap_centi_bps", "arbitrage_bound"],
    }


def quote_json(quote: Quote, *, now_ms: int) -> dict[str, Any]:
    """A quote with all its candidates. `age_ms` is the time since its accounts were read."""
    exact_in = quote.request.mode is SwapMode.EXACT_IN
    return {
        "input_mint": str(quote.request.input_mint),
        "output_mint": str(quote.request.output_mint),
        "input_symbol": quote.input_token.symbol,
        "output_symbol": quote.output_token.symbol,
        "input_decimals": quote.input_token.decimals,
        "output_decimals": quote.output_token.decimals,
        "mode": quote.request.mode.value,
        "amount_in": str(quote.amount_in),
        "amount_out": str(quote.amount_out),
        "min_amount_out": str(quote.min_amount_out),
        "max_amount_in": str(quote.max_amount_in),
        "slippage_bps": quote.terms.slippage_bps,
        "limit_on": "output" if exact_in else "input",
        "price_impact_bps": quote.price_impact_bps,
        "guards": guards_json(quote),
        "bound": str(quote.best.bound) if quote.best.bound is not None else None,
        "fees": fees_json(quote.fees),
        "residuals": [{"mint": str(mint), "amount": str(amount)} for mint, amount in quote.best.route.residuals.items()],
        "slot": quote.clock.slot,
        "unix_timestamp": quote.clock.unix_timestamp,
        "age_ms": max(0, now_ms - quote.read_ms),
        "round_trips": quote.round_trips,
        "freshness": freshness_json(quote.freshness),
        "route": route_json(quote.best.route),
        "candidates": [candidate_json(candidate, quote.quote_only) for candidate in quote.candidates],
        "unusable_pools": [
            {"pool": str(pool), "code": error.code, "reason": error.message}
            for pool, error in sorted(quote.broken.items(), key=lambda i: bytes(i[0]))
        ],
        "notes": list(quote.notes),
    }
