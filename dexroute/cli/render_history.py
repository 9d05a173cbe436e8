"""`dex orders show`: one order with all the journal holds of it, to be read from top to bottom at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dexroute.cli.render_order import amount_text, fact_table, failure_text, render_headline, route_rows
from dexroute.cli.rounding import hundredths
from dexroute.cli.terminal import short
from dexroute.types.amounts import LAMPORT_DECIMALS, format_ui_amount, sol_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from solders.pubkey import Pubkey

    from dexroute.cli.render_order import Tokens
    from dexroute.engine.execution.receipt import Receipt
    from dexroute.types.orders import Attempt, Costs, OrderEvent, SwapAmounts

_NOTHING = "–"
_TOLD_ELSEWHERE = {"attempt", "signature", "blockhash", "last_valid_block_height", "message", "limit_amount"}
_LONGEST_FACT = 44  # an address
_UNITS = {"_micro_lamports": "micro-lamports", "_lamports": "SOL", "_bps": "bps", "_ms": "ms"}


def render_history(console: Console, receipt: Receipt, tokens: Tokens) -> None:
    """Amounts side by side, costs beside what was expected, each attempt to its end, and every step."""
    render_headline(console, receipt)
    console.print(fact_table([*_facts(receipt, tokens), *route_rows(receipt, tokens)]))
    _section(console, "amounts", _amounts(receipt, tokens))
    if (costs := _costs(receipt, tokens)) is not None:
        _section(console, "costs", costs)
    for attempt in receipt.attempts:
        _section(console, f"attempt {attempt.number}", fact_table(_attempt_rows(attempt, receipt)))
    _section(console, "steps", _timeline(receipt, tokens))


def _section(console: Console, title: str, table: Table) -> None:
    from rich.text import Text

    console.print()
    console.print(Text(title, style="bold"))
    console.print(table)


def _facts(receipt: Receipt, tokens: Tokens) -> list[tuple[str, str]]:
    from dexroute.cli.render_order import limit_text
    from dexroute.sdk.ledger import utc

    order, fill = receipt.order, receipt.fill
    rows = [("key", order.key)] if order.key != order.id else []
    rows += [("wallet", str(order.wallet)), ("placed", utc(order.created_ms) or str(order.created_ms))]
    if order.deadline_ms is not None:
        rows.append(("deadline", utc(order.deadline_ms) or str(order.deadline_ms)))
    if fill is not None:
        at = utc(fill.block_time * 1_000) if fill.block_time is not None else None
        rows.append(("landed in", f"slot {fill.slot}" + (f", {at}" if at else "")))
    if not order.is_open:
        rows.append(("final", "yes" if order.settled else "no: a fork may still undo it"))
    if order.regressed:
        rows.append(("regressed", "it landed once and a fork dropped it"))
    if order.cancel_requested_ms is not None:
        rows.append(("cancel", f"asked for at {utc(order.cancel_requested_ms)}"))
    rows.append(("limit", limit_text(receipt, tokens)))
    if fill is not None and fill.units_consumed is not None:
        rows.append(("compute units", str(fill.units_consumed)))
    if order.failure:
        rows.append(("failure", failure_text(order.failure, tokens)))
    return rows


def _amounts(receipt: Receipt, tokens: Tokens) -> Table:
    """Quoted, simulated, executed in lines; what differs from the quote below each, in units and in basis points of it."""
    order = receipt.order
    request = order.request
    table = _columns("", _heading("paid", request.input_mint, tokens), _heading("received", request.output_mint, tokens), "bps")
    exact_in = request.mode.value == "exact_in"
    asked = (
        (_number(request.amount, request.input_mint, tokens), "")
        if exact_in
        else ("", _number(request.amount, request.output_mint, tokens))
    )
    table.add_row("asked", *asked, "")
    executed = receipt.fill.amounts if receipt.fill else order.executed
    for name, amounts in (("quoted", order.quoted), ("simulated", order.simulated), ("executed", executed)):
        if amounts is None:
            table.add_row(name, _NOTHING, _NOTHING, "")
            continue
        table.add_row(name, *_pair(amounts.amount_in, amounts.amount_out, receipt, tokens), "")
        if order.quoted is not None and amounts is not order.quoted:
            more_in, more_out = amounts.amount_in - order.quoted.amount_in, amounts.amount_out - order.quoted.amount_out
            cells = _pair(more_in, more_out, receipt, tokens, signed=True)
            table.add_row("  against quote", *cells, _bps(order.quoted, amounts, exact_in=exact_in), style="dim")
    return table


def _pair(paid: int, got: int, receipt: Receipt, tokens: Tokens, *, signed: bool = False) -> tuple[str, str]:
    request = receipt.order.request
    cells = (_number(paid, request.input_mint, tokens), _number(got, request.output_mint, tokens))
    if not signed:
        return cells
    return tuple(f"+{cell}" if amount > 0 else cell for amount, cell in zip((paid, got), cells, strict=True))  # type: ignore[return-value]


def _bps(quoted: SwapAmounts, amounts: SwapAmounts, *, exact_in: bool) -> str:
    """How much worse (-) or better (+) than quoted, of the amount that was open; towards zero."""
    whole, part = (quoted.amount_out, amounts.amount_out) if exact_in else (quoted.amount_in, amounts.amount_in)
    if not whole:
        return ""
    gain = part - whole if exact_in else whole - part
    centi_bps = int(Fraction(gain * 1_000_000, whole))
    return f"{'-' if centi_bps < 0 else '+' if centi_bps else ''}{hundredths(abs(centi_bps))}"


def _costs(receipt: Receipt, tokens: Tokens) -> Table | None:
    """Every cost by its name, in SOL: what the attempt was expected to cost, and what it did. None when nothing was ever built."""
    from dexroute.engine.execution.receipt import tip_offered, tip_paid

    attempt, fill = receipt.attempt or (receipt.attempts[-1] if receipt.attempts else None), receipt.fill
    expected = attempt.expected_costs if attempt else None
    paid = fill.costs if fill else None
    if expected is None and paid is None:
        return None
    table = _columns("", "expected", "paid", "")
    names = ("network fee", "priority fee", "tip", "rent created", "rent refunded", "other")
    told = (_lamports(expected, tip_offered(attempt) if attempt else 0), _lamports(paid, tip_paid(receipt)))
    for number, name in enumerate(names):
        cells = [_NOTHING if lamports is None else format_ui_amount(lamports[number], LAMPORT_DECIMALS) for lamports in told]
        table.add_row(name, *cells, "SOL")
    for mint in dict.fromkeys(residual.mint for costs in (expected, paid) if costs for residual in costs.residuals):
        cells = [_residual(costs, mint, tokens) for costs in (expected, paid)]
        table.add_row("residual", *cells, _unit(mint, tokens))
    return table


def _lamports(costs: Costs | None, tip: int) -> tuple[int, ...] | None:
    """In the order they are shown."""
    if costs is None:
        return None
    rent = (costs.rent_lamports, costs.rent_refunded_lamports)
    return (costs.network_fee_lamports, costs.priority_fee_lamports, tip, *rent, costs.other_lamports - tip)


def _residual(costs: Costs | None, mint: Pubkey, tokens: Tokens) -> str:
    if costs is None:
        return _NOTHING
    return _number(sum(residual.amount for residual in costs.residuals if residual.mint == mint), mint, tokens)


def _attempt_rows(attempt: Attempt, receipt: Receipt) -> list[tuple[str, str]]:
    from dexroute.sdk.ledger import utc

    rows = [("signature", attempt.signature or "none: it was never signed")]
    rows.append(("blockhash", attempt.blockhash))
    rows.append(("valid until", f"block height {attempt.last_valid_block_height}"))
    rows.append(("built", utc(attempt.created_ms) or str(attempt.created_ms)))
    if attempt.signed_ms is not None:
        rows.append(("signed", utc(attempt.signed_ms) or str(attempt.signed_ms)))
    if attempt.slot is not None:
        rows.append(("landed in", f"slot {attempt.slot}" + (" with an error" if attempt.error else "")))
    if attempt.error is not None:
        rows.append(("error", str(attempt.error.get("raw", dict(attempt.error)))))
    rows.append(("fate", _fate(attempt, receipt.events)))
    return rows


def _fate(attempt: Attempt, events: Iterable[OrderEvent]) -> str:
    """What became of it, and by what proof it is dead."""
    from dexroute.engine.execution.receipt import death_facts

    if attempt.outcome is None:
        return "unknown: it may land until its blockhash is proven expired" if attempt.signature else "not signed yet"
    told = {"landed": "landed", "landed_with_error": "dead: it landed, and failed", "never_signed": "dead: nothing was ever signed"}
    if str(attempt.outcome) in told:
        return told[str(attempt.outcome)]
    facts = death_facts(attempt, events)
    if facts is None:
        return "dead: expired, but no step proves it (`dex doctor --invariants`)"
    return (
        f"dead: expired. Finalized block height {facts.get('finalized_height')} is past {attempt.last_valid_block_height}, "
        f"and {_witnesses(facts.get('witnesses'))} at slot {facts.get('finalized_slot')} or later"
    )


def _witnesses(witnesses: Any) -> str:
    count = len(witnesses) if isinstance(witnesses, (list, tuple)) else witnesses
    return f"{count} node{'' if count == 1 else 's'} knew nothing of it"


def _timeline(receipt: Receipt, tokens: Tokens) -> Table:
    """A line a step: its number, when, what, where to, and its numbers below each other where there is room for no more."""
    from rich.table import Table

    from dexroute.sdk.ledger import utc

    events = receipt.events
    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    for name, justify in (("step", "right"), ("time", "left"), ("after", "right"), ("event", "left"), ("state", "left")):
        table.add_column(name, justify=justify, no_wrap=name != "state")  # type: ignore[arg-type]
    table.add_column("facts", overflow="fold", style="dim", min_width=16)
    for event in events:
        moved = f"→ {event.after}" if event.before is not event.after else str(event.after)
        at = utc(event.at_ms)
        clock = at[11:23] if at else str(event.at_ms)
        after = _after(event.at_ms - events[0].at_ms)
        table.add_row(str(event.seq), clock, after, str(event.kind), moved, _facts_text(event, receipt, tokens))
    return table


def _after(elapsed_ms: int) -> str:
    return f"{elapsed_ms} ms" if abs(elapsed_ms) < 10_000 else f"{elapsed_ms // 1_000} s"


def _facts_text(event: OrderEvent, receipt: Receipt, tokens: Tokens) -> str:
    facts = {"attempt": event.facts.get("attempt")} | {k: v for k, v in event.facts.items() if k not in _TOLD_ELSEWHERE}
    return ", ".join(
        _fact_text(name, value, receipt, tokens)
        for name, value in facts.items()
        if isinstance(value, (str, int)) and not isinstance(value, bool) and len(str(value)) <= _LONGEST_FACT
    )


def _fact_text(name: str, value: str | int, receipt: Receipt, tokens: Tokens) -> str:
    """One number of a step with its unit, which its name ends in."""
    request = receipt.order.request
    mints = {"amount_in": request.input_mint, "amount_out": request.output_mint}
    for ending, mint in mints.items():
        if name.endswith(ending) and str(value).isdecimal():
            return f"{name.replace('_', ' ')} {amount_text(int(value), mint, tokens)}"
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            shown = sol_text(int(value)) if unit == "SOL" and str(value).isdecimal() else f"{value} {unit}"
            return f"{name.removesuffix(ending).replace('_', ' ')} {shown}"
    return f"{name.replace('_', ' ')} {value}"


def _columns(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    table.add_column(names[0], style="dim", no_wrap=True)
    for name in names[1:]:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _number(amount: int, mint: Pubkey, tokens: Tokens) -> str:
    token = tokens.get(mint)
    return str(amount) if token is None else format_ui_amount(amount, token.decimals)


def _unit(mint: Pubkey, tokens: Tokens) -> str:
    token = tokens.get(mint)
    return f"base units of {short(str(mint))}" if token is None else token.symbol


def _heading(what: str, mint: Pubkey, tokens: Tokens) -> str:
    return f"{what}, {_unit(mint, tokens)}"
