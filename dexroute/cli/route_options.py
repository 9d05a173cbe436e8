"""Options of `quote`, `swap` and `route`: what the search may use and what it must respect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dexroute.errors import UsageError

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

    from dexroute.sdk.dex import Dex
    from dexroute.sdk.terms import SwapTerms

_LIMITS: Final = "Limits"
_ROUTE: Final = "Route"

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="What you would type: 1.5. Of FROM, or of TO with --exact-out.")]
From = Annotated[str, typer.Argument(metavar="FROM", help="Symbol or mint to pay with.")]
To = Annotated[str, typer.Argument(metavar="TO", help="Symbol or mint to receive.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Look for pools even when some are remembered.", rich_help_panel=_ROUTE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChoices:
    """The option group of every command that asks for a route. None is what nobody said: defaults are filled in by `Dex.terms`."""

    exact_out: Annotated[bool, typer.Option("--exact-out", help="AMOUNT is what must arrive.", rich_help_panel=_LIMITS)] = False
    slippage_bps: Annotated[
        int | None,
        typer.Option(
            "--slippage-bps",
            metavar="BPS",
            help="How much worse than quoted is acceptable (default 50, see dex config).",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    max_impact_bps: Annotated[
        int, typer.Option("--max-impact-bps", metavar="BPS", help="Refuse more price impact than this.", rich_help_panel=_LIMITS)
    ] = 10_000
    venue: Annotated[
        list[str] | None, typer.Option("--venue", metavar="ID", help="Only this venue (repeatable).", rich_help_panel=_ROUTE)
    ] = None
    exclude_venue: Annotated[
        list[str] | None, typer.Option("--exclude-venue", metavar="ID", help="Not this venue (repeatable).", rich_help_panel=_ROUTE)
    ] = None
    pool: Annotated[
        list[str] | None, typer.Option("--pool", metavar="ADDRESS", help="Only this pool (repeatable).", rich_help_panel=_ROUTE)
    ] = None
    exclude_pool: Annotated[
        list[str] | None,
        typer.Option("--exclude-pool", metavar="ADDRESS", help="Not this pool (repeatable).", rich_help_panel=_ROUTE),
    ] = None
    max_hops: Annotated[int, typer.Option("--max-hops", metavar="N", help="Pools in a row: 1 or 2.", rich_help_panel=_ROUTE)] = 2
    max_splits: Annotated[int, typer.Option("--max-splits", metavar="N", help="Legs of a route: 1.", rich_help_panel=_ROUTE)] = 1
    hop_slippage_bps: Annotated[
        int | None,
        typer.Option(
            "--hop-slippage-bps",
            metavar="BPS",
            help="Of two hops, how far the first may fall short; what it does not stays yours (default: a fifth of the slippage).",
            rich_help_panel=_ROUTE,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeChoices:
    """The option group of commands that build a transaction."""

    priority_fee: Annotated[
        int | None,
        typer.Option(
            "--priority-fee",
            metavar="MICRO_LAMPORTS",
            help="Fixed price per compute unit instead of a percentile of recent fees.",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    priority_fee_cap: Annotated[
        int | None,
        typer.Option(
            "--priority-fee-cap",
            metavar="LAMPORTS",
            help="Most the priority fee may cost in all (default 1000000, see dex config).",
            rich_help_panel=_LIMITS,
        ),
    ] = None
    priority_fee_percentile: Annotated[
        int, typer.Option("--priority-fee-percentile", metavar="PERCENT", help="Of recent fees.", rich_help_panel=_LIMITS)
    ] = 75


async def terms_from(
    dex: Dex, amount: str, from_: str, to: str, choices: RouteChoices, fees: FeeChoices | None = None
) -> SwapTerms:
    """The typed command line as exact terms. Raises UsageError."""
    from dexroute.engine.planning import PriorityFeePolicy
    from dexroute.engine.routing import RouteOptions

    for name in (*(choices.venue or ()), *(choices.exclude_venue or ())):
        _ = dex.venues[name]  # raises UsageError naming the known venues
    fees = fees or FeeChoices()
    cap = fees.priority_fee_cap
    return await dex.terms(
        from_,
        to,
        amount,
        exact_out=choices.exact_out,
        slippage_bps=choices.slippage_bps,
        max_impact_bps=choices.max_impact_bps,
        route=RouteOptions(
            venues=frozenset(choices.venue) if choices.venue else None,
            exclude_venues=frozenset(choices.exclude_venue or ()),
            pools=frozenset(map(address_from, choices.pool)) if choices.pool else None,
            exclude_pools=frozenset(map(address_from, choices.exclude_pool or ())),
            max_hops=choices.max_hops,
            max_splits=choices.max_splits,
            hop_slippage_bps=choices.hop_slippage_bps,
        ),
        priority_fee=PriorityFeePolicy(
            percentile=fees.priority_fee_percentile,
            cap_lamports=dex.settings.priority_fee_cap_lamports if cap is None else cap,
            fixed_micro_lamports=fees.priority_fee,
        ),
    )


def address_from(text: str) -> Pubkey:
    """A base58 address. Raises UsageError."""
    from solders.pubkey import Pubkey

    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an address (base58, 32 bytes)", address=text) from None
