"""A route for people: its legs, what they cost and leave, and the proof of how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dexroute.cli.render_order import amount_text
from dexroute.cli.render_quote import fact_rows, headline, render_candidates
from dexroute.cli.rounding import hundredths, rounded, rounded_ratio, share_texts
from dexroute.cli.terminal import natural_width, short
from dexroute.types.amounts import sol_text
from dexroute.types.counts import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from solders.pubkey import Pubkey

    from dexroute.engine.routing import Certificate, LegReport
    from dexroute.sdk.quote import Quote


def render_route(console: Console, quote: Quote, *, age_ms: int, explain: bool, requests: Mapping[str, int] | None = None) -> None:
    """Legs first, then the facts of a quote, costs and proof; all candidates with `explain`."""
    from rich.table import Table
    from rich.text import Text

    console.print(headline(quote))
    wide = _legs(quote, wide=True)
    console.print(wide if natural_width(console, wide) <= console.width else _legs(quote, wide=False))
    priced = f"{quote.output_token.symbol}/{quote.input_token.symbol}"
    console.print(Text(f"next: {priced} for the next unit, fees included", style="dim"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    for name, text in (*fact_rows(quote, age_ms=age_ms, requests=requests), *_cost_rows(quote), *_proof_rows(quote)):
        facts.add_row(name, text)
    console.print(facts)
    if explain:
        console.print()
        render_candidates(console, quote)
        if quote.solution.unlisted:
            console.print(Text(f"and {quote.solution.unlisted} more that were looked at", style="dim"))
    for note in quote.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def _legs(quote: Quote, *, wide: bool) -> Table:
    """A row a hop; what belongs to the leg stands in its first row. Where there is no room for amounts beside the pool, they stand
    below it, rounded."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("through", no_wrap=wide)
    if wide:
        table.add_column("in", justify="right", no_wrap=True)
        table.add_column("out", justify="right", no_wrap=True)
    table.add_column("next", justify="right", no_wrap=True)
    table.add_column("impact", justify="right", no_wrap=True)
    shares = share_texts([report.share_ppm for report in quote.solution.legs])
    for report, share in zip(quote.solution.legs, shares, strict=True):
        for place, hop in enumerate(report.leg.hops):
            own = (share, _next_unit(report, quote), _impact(report)) if place == 0 else ("", "", "")
            sides = (hop.amount_in, hop.input_mint), (hop.amount_out, hop.output_mint)
            pool = f"{hop.venue_id} {short(str(hop.pool))}"
            if wide:
                table.add_row(own[0], pool, *(amount_text(*side, quote.tokens) for side in sides), *own[1:])
            else:
                table.add_row(own[0], f"{pool}\n  {' → '.join(_rounded(quote, *side) for side in sides)}", *own[1:])
    return table


def _rounded(quote: Quote, amount: int, mint: Pubkey) -> str:
    token = quote.tokens.get(mint)
    return f"{rounded(amount, token.decimals)} {token.symbol}" if token else f"{amount} units of {short(str(mint))}"


def _next_unit(report: LegReport, quote: Quote) -> str:
    """Output for the next unit of input, in whole tokens: legs of one good split have equal ones."""
    if report.marginal_price is None:
        return "–"
    scale = 10**quote.input_token.decimals, 10**quote.output_token.decimals
    return rounded_ratio(report.marginal_price.ratio * scale[0] / scale[1], 6)


def _impact(report: LegReport) -> str:
    return "–" if report.price_impact_bps is None else f"{report.price_impact_bps} bps"


def _cost_rows(quote: Quote) -> list[tuple[str, str]]:
    route = quote.candidates[0]
    hops = quote.best.route.hops
    size = f"{counted(len(quote.solution.legs), 'leg')}, {counted(len(hops), 'swap')}, about {route.compute_units} compute units"
    costs = quote.expected_costs
    named = ("signature", costs.network_fee_lamports), ("priority fee", costs.priority_fee_lamports), ("tip", costs.tip_lamports)
    parts = ", ".join(f"{name} {sol_text(lamports)}" for name, lamports in named if lamports)
    rows = [("transaction", size), ("network costs", f"{sol_text(route.spent_lamports)}, gone ({parts})")]
    if costs.rent_lamports:
        opened = counted(len(costs.rent_lamports), "token account")
        rows.append(("rent", f"{sol_text(sum(costs.rent_lamports.values()))} for {opened} to open; comes back when you close them"))
    return [*rows, ("after costs", _net_text(quote))]


def _net_text(quote: Quote) -> str:
    """What the route was ranked by."""
    route = quote.candidates[0]
    ranked = quote.output_token if quote.request.mode.value == "exact_in" else quote.input_token
    if route.net is None or quote.lamport_price is None:
        return f"not ranked by them: no pool that was read says what SOL is worth in {ranked.symbol}"
    besides = []
    if route.handicap:
        besides.append(f"less {ranked.text(route.handicap)} for its pools' record")
    if quote.request.output_mint in quote.expected_costs.rent_lamports:
        besides.append("the output's own account is not in it: any route needs that")
    more = f" ({'; '.join(besides)})" if besides else ""
    return f"{ranked.text(route.net)}, by which routes are ranked{more}"


def _proof_rows(quote: Quote) -> list[tuple[str, str]]:
    proof = quote.solution.certificate
    if proof is None:
        return [("proof", "no bound was computed")]
    exact_in = quote.request.mode.value == "exact_in"
    mint = quote.request.output_mint if exact_in else quote.request.input_mint
    what = "returns more than" if exact_in else "costs less than"
    gap = proof.gap_centi_bps
    near = (
        f"the route is within {hundredths(gap)} bps of it" if gap is not None else "arbitrage between them could pay for all of it"
    )
    rows = [("proof", f"no split over these pools {what} {amount_text(proof.bound, mint, quote.tokens)}: {near}")]
    most = amount_text(proof.arbitrage_bound, mint, quote.tokens)
    for name, amount in _parts(proof, most):
        if amount:
            rows.append(("", f"of that about {amount_text(amount, mint, quote.tokens)} {name}"))
    return rows


def _parts(proof: Certificate, arbitrage: str) -> tuple[tuple[str, int], ...]:
    return (
        ("by the limit on hops and pools left out (--max-hops, --venue and the like)", proof.hop_limit_cost),
        ("by the limits on legs and size (--max-splits, one transaction)", proof.leg_limit_cost),
        ("left with you as other tokens (--hop-slippage-bps)", proof.residual_cost),
        (f"around in circles between pools, which no leg takes; no more than {arbitrage} is to be had there", proof.cycle_cost),
        ("to whole units and rising fees, and what the bound allows for them", proof.rounding_cost),
    )
