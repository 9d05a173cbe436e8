"""Options of `quote`, `swap` and `route`: what the search may use and what it must respect."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from dexroute.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from solders.pubkey import Pubkey

    from dexroute.engine.routing import RouteOptions
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.terms import SwapTerms

_LIMITS: Final = "Limits"
_GUARDS: Final = "Guards (exit code 4)"
_ROUTE: Final = "Route"

# Written out, so that a help text and a completion load no venue.
VENUE_IDS: Final = (
    "raydium-amm-v4",
    "raydium-cpmm",
    "raydium-clmm",
    "meteora-damm-v1",
    "meteora-damm-v2",
    "meteora-dlmm",
    "dexroute-pool",
)


def _venues_like(incomplete: str) -> list[str]:
    """For a shell's completion."""
    return [venue for venue in VENUE_IDS if venue.startswith(incomplete)]


Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="What you would type: 1.5. Of FROM, or of TO with --exact-out.")]
From = Annotated[str, typer.Argument(metavar="FROM", help="Symbol or mint to pay with.")]
To = Annotated[str, typer.Argument(metavar="TO", help="Symbol or mint to receive.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Look for pools even when some are remembered.", rich_help_panel=_ROUTE)]
Key = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Idempotency key: the same key never swaps twice.")]
Deadline = Annotated[
    int | None, typer.Option("--deadline", min=1, metavar="SECONDS", help="Sign nothing new after this; follow what was sent.")
]


class StrategyChoice(StrEnum):
    best = "best"
    speed = "speed"
    reliability = "reliability"


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
        int | None,
        typer.Option(
            "--max-impact-bps",
            metavar="BPS",
            help="Refuse more price impact than this (default 10000: any, see dex config).",
            rich_help_panel=_GUARDS,
        ),
    ] = None
    max_deviation_bps: Annotated[
        int | None,
        typer.Option(
            "--max-deviation-bps",
            metavar="BPS",
            help="Refuse a route worse than the reference price (median of deep pools; price feeds) by more (default 10000: never, "
            "see dex config).",
            rich_help_panel=_GUARDS,
        ),
    ] = None
    oracle: Annotated[
        list[str] | None,
        typer.Option(
            "--oracle",
            metavar="TOKEN=ACCOUNT",
            help="A Pyth price feed account of FROM and one of TO: the reference price as well (repeatable).",
            rich_help_panel=_GUARDS,
        ),
    ] = None
    max_slot_age: Annotated[
        int | None,
        typer.Option(
            "--max-slot-age",
            metavar="SLOTS",
            help="Refuse accounts more slots than this behind the cluster's newest (default: not looked at, see dex config).",
            rich_help_panel=_GUARDS,
        ),
    ] = None
    strategy: Annotated[
        StrategyChoice,
        typer.Option(
            "--strategy",
            help="best: price. speed: least to read and to land. reliability: pools with a good record in this journal.",
            rich_help_panel=_ROUTE,
        ),
    ] = StrategyChoice.best
    venue: Annotated[
        list[str] | None,
        typer.Option(
            "--venue",
            metavar="ID",
            help=f"Only this venue (repeatable): {', '.join(VENUE_IDS)}.",
            autocompletion=_venues_like,
            rich_help_panel=_ROUTE,
        ),
    ] = None
    exclude_venue: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude-venue",
            metavar="ID",
            help="Not this venue (repeatable).",
            autocompletion=_venues_like,
            rich_help_panel=_ROUTE,
        ),
    ] = None
    pool: Annotated[
        list[str] | None, typer.Option("--pool", metavar="ADDRESS", help="Only this pool (repeatable).", rich_help_panel=_ROUTE)
    ] = None
    exclude_pool: Annotated[
        list[str] | None,
        typer.Option("--exclude-pool", metavar="ADDRESS", help="Not this pool (repeatable).", rich_help_panel=_ROUTE),
    ] = None
    max_hops: Annotated[
        int | None, typer.Option("--max-hops", metavar="N", help="Most pools in a row, 1 to 4 (default 3).", rich_help_panel=_ROUTE)
    ] = None
    max_splits: Annotated[
        int | None,
        typer.Option("--max-splits", metavar="N", help="Most legs of a route, 1 to 8 (default 8).", rich_help_panel=_ROUTE),
    ] = None
    direct: Annotated[bool, typer.Option("--direct", help="One hop only: like --max-hops 1.", rich_help_panel=_ROUTE)] = False
    via: Annotated[
        list[str] | None,
        typer.Option("--via", metavar="TOKEN", help="Pass through this token or none (repeatable).", rich_help_panel=_ROUTE),
    ] = None
    max_accounts: Annotated[
        int | None,
        typer.Option(
            "--max-accounts",
            metavar="N",
            help="Most accounts the transaction may name, 1 to 64 (default 64).",
            rich_help_panel=_ROUTE,
        ),
    ] = None
    hop_slippage_bps: Annotated[
        int | None,
        typer.Option(
            "--hop-slippage-bps",
            metavar="BPS",
            help="How far a hop that others follow may fall short; what it does not stays yours, as the token between (default: a "
            "fifth of the slippage).",
            rich_help_panel=_ROUTE,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeChoices:
    """The option group of what is bid for block space: a transaction costs it, and routes are ranked net of it."""

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
        int,
        typer.Option(
            "--priority-fee-percentile", metavar="PERCENT", help="Which percentile of recent fees to bid.", rich_help_panel=_LIMITS
        ),
    ] = 75


async def terms_from(dex: Dex, amount: str, from_: str, to: str, choices: RouteChoices, fees: FeeChoices) -> SwapTerms:
    """The typed command line as exact terms. Raises UsageError."""
    from dexroute.engine.planning import PriorityFeePolicy
    from dexroute.sdk.terms import Strategy

    cap = fees.priority_fee_cap
    return await dex.terms(
        from_,
        to,
        amount,
        exact_out=choices.exact_out,
        slippage_bps=choices.slippage_bps,
        max_impact_bps=choices.max_impact_bps,
        max_deviation_bps=choices.max_deviation_bps,
        max_slot_age=choices.max_slot_age,
        oracles=_oracles_from(choices.oracle or ()),
        strategy=Strategy(str(choices.strategy)),
        route=await _route_from(dex, choices),
        priority_fee=PriorityFeePolicy(
            percentile=fees.priority_fee_percentile,
            cap_lamports=dex.settings.priority_fee_cap_lamports if cap is None else cap,
            fixed_micro_lamports=fees.priority_fee,
        ),
    )


async def _route_from(dex: Dex, choices: RouteChoices) -> RouteOptions:
    from dexroute.engine.routing import RouteOptions

    if choices.direct and choices.max_hops not in (None, 1):
        raise UsageError(
            f"--direct is one hop and --max-hops {choices.max_hops} is more; drop one of the two", max_hops=choices.max_hops
        )
    said: dict[str, Any] = {
        "max_hops": 1 if choices.direct else choices.max_hops,
        "max_splits": choices.max_splits,
        "max_accounts": choices.max_accounts,
    }
    return RouteOptions(
        venues=frozenset(choices.venue) if choices.venue else None,
        exclude_venues=frozenset(choices.exclude_venue or ()),
        pools=frozenset(map(address_from, choices.pool)) if choices.pool else None,
        exclude_pools=frozenset(map(address_from, choices.exclude_pool or ())),
        intermediate_mints=frozenset([(await dex.token(token)).mint for token in choices.via]) if choices.via else None,
        hop_slippage_bps=choices.hop_slippage_bps,
        **{name: value for name, value in said.items() if value is not None},
    )


def _oracles_from(texts: Sequence[str]) -> dict[str | Pubkey, Pubkey]:
    found: dict[str | Pubkey, Pubkey] = {}
    for token, account in map(_oracle_from, texts):
        if found.setdefault(token, account) != account:
            raise UsageError(f"--oracle names two price feeds for {token}; drop one of the two", token=token)
    return found


def _oracle_from(text: str) -> tuple[str, Pubkey]:
    token, _, account = text.partition("=")
    if not token or not account:
        raise UsageError(f"--oracle {text!r} is not TOKEN=ACCOUNT (a symbol or mint, and its feed's address)", oracle=text)
    return token, address_from(account)


def address_from(text: str) -> Pubkey:
    """A base58 address. Raises UsageError."""
    from solders.pubkey import Pubkey

    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise UsageError(f"{text!r} is not an address (base58, 32 bytes)", address=text) from None


def deadline_ms(seconds: int | None) -> int | None:
    """The moment `--deadline` stands for, as an order keeps it; None without one."""
    return None if seconds is None else time.time_ns() // 1_000_000 + seconds * 1_000
