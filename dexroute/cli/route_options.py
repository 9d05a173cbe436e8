"""Options `quote` and `swap` share: what the search may use and what it must respect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dexroute.errors import UsageError

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.sdk.dex import Dex
    from dexroute.sdk.terms import SwapTerms

_LIMITS = "Limits"
_ROUTE = "Route"

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="What you would type: 1.5. Of FROM, or of TO with --exact-out.")]
From = Annotated[str, typer.Argument(metavar="FROM", help="Symbol or mint to pay with.")]
To = Annotated[str, typer.Argument(metavar="TO", help="Symbol or mint to receive.")]
ExactOut = Annotated[bool, typer.Option("--exact-out", help="AMOUNT is what must arrive.", rich_help_panel=_LIMITS)]
SlippageBps = Annotated[
    int | None,
    typer.Option(
        "--slippage-bps",
        metavar="BPS",
        help="How much worse than quoted is acceptable (default 50, see dex config).",
        rich_help_panel=_LIMITS,
    ),
]
MaxImpactBps = Annotated[
    int, typer.Option("--max-impact-bps", metavar="BPS", help="Refuse more price impact than this.", rich_help_panel=_LIMITS)
]
PriorityFeeCap = Annotated[
    int | None,
    typer.Option(
        "--priority-fee-cap",
        metavar="LAMPORTS",
        help="Most the priority fee may cost in all (default 1000000, see dex config).",
        rich_help_panel=_LIMITS,
    ),
]
PriorityFee = Annotated[
    int | None,
    typer.Option(
        "--priority-fee",
        metavar="MICRO_LAMPORTS",
        help="Fixed price per compute unit instead of a percentile of recent fees.",
        rich_help_panel=_LIMITS,
    ),
]
PriorityFeePercentile = Annotated[
    int, typer.Option("--priority-fee-percentile", metavar="PERCENT", help="Of recent fees.", rich_help_panel=_LIMITS)
]
Venues = Annotated[
    list[str] | None, typer.Option("--venue", metavar="ID", help="Only this venue (repeatable).", rich_help_panel=_ROUTE)
]
ExcludedVenues = Annotated[
    list[str] | None, typer.Option("--exclude-venue", metavar="ID", help="Not this venue (repeatable).", rich_help_panel=_ROUTE)
]
Pools = Annotated[
    list[str] | None, typer.Option("--pool", metavar="ADDRESS", help="Only this pool (repeatable).", rich_help_panel=_ROUTE)
]
ExcludedPools = Annotated[
    list[str] | None, typer.Option("--exclude-pool", metavar="ADDRESS", help="Not this pool (repeatable).", rich_help_panel=_ROUTE)
]
MaxHops = Annotated[int, typer.Option("--max-hops", metavar="N", help="Pools in a row: 1 or 2.", rich_help_panel=_ROUTE)]
MaxSplits = Annotated[int, typer.Option("--max-splits", metavar="N", help="Legs of a route: 1.", rich_help_panel=_ROUTE)]
HopSlippageBps = Annotated[
    int | None,
    typer.Option(
        "--hop-slippage-bps",
        metavar="BPS",
        help="Of two hops, how far the first may fall short; what it does not stays yours (default: a fifth of the slippage).",
        rich_help_panel=_ROUTE,
    ),
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Look for pools even when some are remembered.", rich_help_panel=_ROUTE)]


async def terms_from(dex: Dex, amount: str, from_: str, to: str, given: dict[str, Any]) -> SwapTerms:
    """The typed command line as exact terms. `given` holds the values of the options above. Raises UsageError."""
    from dexroute.engine.planning import PriorityFeePolicy
    from dexroute.engine.routing import RouteOptions
    from dexroute.sdk.terms import default_hop_slippage_bps

    for name in (*(given["venue"] or ()), *(given["exclude_venue"] or ())):
        _ = dex.venues[name]  # raises UsageError naming the known venues
    cap, hop_slippage = given["priority_fee_cap"], given["hop_slippage_bps"]
    slippage = dex.settings.slippage_bps if given["slippage_bps"] is None else given["slippage_bps"]
    return await dex.terms(
        from_,
        to,
        amount,
        exact_out=given["exact_out"],
        slippage_bps=given["slippage_bps"],
        max_impact_bps=given["max_impact_bps"],
        route=RouteOptions(
            venues=frozenset(given["venue"]) if given["venue"] else None,
            exclude_venues=frozenset(given["exclude_venue"] or ()),
            pools=frozenset(map(address_from, given["pool"])) if given["pool"] else None,
            exclude_pools=frozenset(map(address_from, given["exclude_pool"] or ())),
            max_hops=given["max_hops"],
            max_splits=given["max_splits"],
            hop_slippage_bps=default_hop_slippage_bps(slippage) if hop_slippage is None else hop_slippage,
        ),
        priority_fee=PriorityFeePolicy(
            percentile=given["priority_fee_percentile"],
            cap_lamports=dex.settings.priority_fee_cap_lamports if cap is None else cap,
            fixed_micro_lamports=given["priority_fee"],
        ),
    )


def address_from(text: str) -> Pubkey:
    """A base58 address. Raises UsageError."""
    from solders.pubkey import Pubkey

    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an address (base58, 32 bytes)", address=text) from None
