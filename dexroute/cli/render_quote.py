"""A quote for people: what you get, what protects you, and why the others lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dexroute.cli.render_order import amount_text
from dexroute.cli.rounding import hundredths, share_texts
from dexroute.cli.terminal import short
from dexroute.cli.words import in_whole_tokens, with_names
from dexroute.types.amounts import format_ui_amount

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from dexroute.engine.routing.quote import Candidate
    from dexroute.sdk.quote import Freshness, Quote
    from dexroute.sdk.token import Token

_LARGE_IMPACT_BPS = 1_000
_EXACT_CENTI_BPS = 1_000  # below ten basis points the hundredths matter
_FEE_NAMES = {"pool": "pool fee", "creator": "creator fee", "transfer": "transfer fee"}


def render_quote(console: Console, quote: Quote, *, age_ms: int, requests: Mapping[str, int] | None = None) -> None:
    """The headline, the facts, the candidates. `requests` are what the cluster was asked for it, by method."""
    from rich.table import Table
    from rich.text import Text

    console.print(headline(quote))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    facts.add_row("route", "\n".join(_leg_lines(quote)))
    for name, text in fact_rows(quote, age_ms=age_ms, requests=requests):
        facts.add_row(name, text)
    console.print(facts)
    render_candidates(console, quote)
    for note in quote.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def headline(quote: Quote) -> Text:
    """What is paid and what is got."""
    from rich.text import Text

    paid, got = quote.input_token, quote.output_token
    return Text.assemble(
        (paid.text(quote.amount_in), "bold"),
        "  →  ",
        (got.text(quote.amount_out), "bold green"),
    )


def _leg_lines(quote: Quote) -> list[str]:
    """The pools of each leg in a row, with the leg's share where there are several."""
    reports = quote.solution.legs
    lines = []
    for report, share in zip(reports, share_texts([report.share_ppm for report in reports]), strict=True):
        if len(reports) == 1:
            lines.append(" →\n".join(f"{hop.venue_id} {hop.pool}" for hop in report.leg.hops))
        else:  # two whole addresses do not fit beside a share
            hops = " → ".join(f"{hop.venue_id} {short(str(hop.pool))}" for hop in report.leg.hops)
            lines.append(f"{share:>8}  {hops}")
    return lines


def fact_rows(quote: Quote, *, age_ms: int, requests: Mapping[str, int] | None = None) -> list[tuple[str, str]]:
    """What protects the caller, what the pools take, and how fresh it is."""
    paid, got = quote.input_token, quote.output_token
    slippage = f"(slippage {quote.terms.slippage_bps} bps)"
    rows = []
    if quote.request.mode.value == "exact_in":
        rows.append(("at least", f"{got.text(quote.min_amount_out)} {slippage}"))
    else:
        rows.append(("at most", f"{paid.text(quote.max_amount_in)} {slippage}"))
    impact = "unknown" if quote.price_impact_bps is None else f"{quote.price_impact_bps} bps"
    large = "\nmuch for these pools: ask for less; --max-impact-bps refuses more than it says"
    is_large = (quote.price_impact_bps or 0) >= _LARGE_IMPACT_BPS
    rows.append(("price impact", f"{impact} (fees excluded){large if is_large else ''}"))
    for reference in quote.guards.references:
        worth = quote.amount_in * reference.ratio // 1
        rows.append(("reference", f"{got.text(worth)} ({reference.source})"))
    rows += [(_FEE_NAMES[fee.kind.value], amount_text(fee.amount, fee.mint, quote.tokens)) for fee in quote.fees]
    for mint, left in quote.best.route.residuals.items():
        rows.append(("residual", f"{amount_text(left, mint, quote.tokens)} stays with you between two hops (--hop-slippage-bps)"))
    since = f", {age_ms} ms ago" if quote.freshness.age_slots == 0 else ""
    rows.append(("read at", f"slot {quote.clock.slot}{since}"))
    rows.append(("reading", _reading(quote.freshness)))
    if requests:
        rows.append(("requests", requests_text(requests)))
    return rows


def requests_text(requests: Mapping[str, int]) -> str:
    """What a command asked the cluster in all."""
    return ", ".join(f"{count} {method}" for method, count in requests.items())


def render_candidates(console: Console, quote: Quote) -> None:
    """Every candidate, the route first, each loser with its reason."""
    from rich.table import Table

    exact_in = quote.request.mode.value == "exact_in"
    token = quote.output_token if exact_in else quote.input_token
    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    table.add_column("pools", no_wrap=True)
    table.add_column(f"{'gets' if exact_in else 'costs'} ({token.symbol})", justify="right", no_wrap=True)
    table.add_column("impact", justify="right", no_wrap=True)
    table.add_column("why not", overflow="fold")
    for candidate in quote.candidates:
        row = _candidate_row(candidate, exact_in, token.decimals)
        table.add_row(*row, _why_not(candidate, quote, token), style="green" if candidate.lost is None else None)
    for pool, error in quote.broken.items():
        table.add_row(short(str(pool)), "–", "–", f"unusable: {_in_short(error.message, quote)}")
    console.print(table)


def _candidate_row(candidate: Candidate, exact_in: bool, decimals: int) -> tuple[str, str, str]:
    amount = "–"
    if candidate.quote is not None:
        amount = format_ui_amount(candidate.quote.amount_out if exact_in else candidate.quote.amount_in, decimals)
    impact = "–" if candidate.price_impact_bps is None else f"{candidate.price_impact_bps} bps"
    return "\n".join(_pools_of(candidate)), amount, impact


def _pools_of(candidate: Candidate) -> list[str]:
    """A line a pool: hops in a row end in an arrow, further legs start with a plus."""
    if candidate.quote is None:
        mark = " →" if candidate.legs == 1 else " …"
        names = [f"{venue} {short(str(pool))}" for venue, pool in zip(candidate.venue_ids, candidate.pools, strict=True)]
        return [*(name + mark for name in names[:-1]), names[-1]]
    lines = []
    legs = candidate.quote.route.legs
    for number, leg in enumerate(legs):
        start = "" if len(legs) == 1 else ("+ " if number else "  ")
        for place, hop in enumerate(leg.hops):
            arrow = " →" if place < len(leg.hops) - 1 else ""
            lines.append(f"{start if place == 0 else ' ' * len(start)}{hop.venue_id} {short(str(hop.pool))}{arrow}")
    return lines


def _why_not(candidate: Candidate, quote: Quote, token: Token) -> str:
    """What a person reads instead of `candidate.lost`: the difference in tokens, where a difference decided."""
    quote_only = " (quote-only here)" if set(candidate.venue_ids) & quote.quote_only else ""
    if candidate.lost is None:
        return f"chosen{quote_only}"
    chosen, exact_in = quote.candidates[0], quote.request.mode.value == "exact_in"
    if candidate.net is None or chosen.net is None:
        return _in_short(candidate.lost, quote) + quote_only
    gap = chosen.net - candidate.net if exact_in else candidate.net - chosen.net
    if gap <= 0:  # a tie, or what a strategy preferred
        return _in_short(candidate.lost, quote) + quote_only
    centi_bps = gap * 1_000_000 // max(abs(chosen.net), 1)
    bps = hundredths(centi_bps) if centi_bps < _EXACT_CENTI_BPS else str(centi_bps // 100)
    side = "less" if exact_in else "more"
    record = ""
    if (worse := candidate.handicap - chosen.handicap) > 0:
        record = f", {format_ui_amount(worse, token.decimals)} of it for its pools' record"
    return f"{format_ui_amount(gap, token.decimals)} {side} after costs ({bps} bps{record}){quote_only}"


def _in_short(text: str, quote: Quote) -> str:
    """Whole tokens, and addresses as symbols or in short form: a whole one breaks over several lines of a column. JSON has all."""
    tokens = {str(mint): token for mint, token in quote.tokens.items()}
    return with_names(in_whole_tokens(text, tokens.get), lambda at: tokens[at].symbol if at in tokens else short(at))


def _reading(freshness: Freshness) -> str:
    """Which accounts, from where, at what price."""
    accounts = f"{freshness.accounts} accounts"
    if freshness.source.value != "node":
        where = "kept current by the stream" if freshness.source.value == "stream" else "from the cache"
        return f"no round trip: {accounts} {where}, at most {freshness.age_slots} slots old"
    trips = "1 round trip" if freshness.round_trips == 1 else f"{freshness.round_trips} round trips"
    asked = f", {freshness.sources_asked} sources asked for pools" if freshness.sources_asked else ""
    return f"{trips}, {accounts} ({'warm' if freshness.is_warm else 'cold'}){asked}"
