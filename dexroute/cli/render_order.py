"""Orders and receipts for people: quoted, simulated and executed side by side, every cost by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dexroute.cli.words import in_sol, in_whole_tokens, with_names
from dexroute.errors import FundsPromised, InsufficientFunds
from dexroute.types.amounts import sol_text
from dexroute.types.counts import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from solders.pubkey import Pubkey

    from dexroute.engine.execution.receipt import Receipt
    from dexroute.engine.execution.stats import QueueStats
    from dexroute.sdk.dex import Dex
    from dexroute.sdk.token import Token
    from dexroute.types.orders import Costs, Failure, OrderEvent, SwapAmounts

_WIDE = 100  # characters
STATE_COLORS = {"CONFIRMED": "green", "FAILED": "red", "CANCELLED": "yellow"}

Tokens = Mapping["Pubkey", "Token"]


async def known_tokens(dex: Dex, receipts: Iterable[Receipt]) -> dict[Pubkey, Token]:
    """The tokens of these orders by mint, as `known_mints` finds them."""
    return await known_mints(dex, (mint for receipt in receipts for mint in receipt.mints))


async def known_mints(dex: Dex, mints: Iterable[Pubkey]) -> dict[Pubkey, Token]:
    """Tokens by mint; a mint that cannot be read any more is left out and shown in base units."""
    from dexroute.errors import DexError

    found: dict[Pubkey, Token] = {}
    for mint in dict.fromkeys(mints):
        try:
            found[mint] = await dex.token(mint)
        except DexError:
            continue
    return found


def amount_text(amount: int, mint: Pubkey, tokens: Tokens) -> str:
    """`1.5 SOL`, or base units where the decimals are not known."""
    token = tokens.get(mint)
    return token.text(amount) if token else f"{amount} base units of {mint}"


def failure_text(failure: Failure, tokens: Tokens) -> str:
    """Why an order failed, with symbols and whole tokens."""
    known = {str(mint): token for mint, token in tokens.items()}
    text = in_whole_tokens(failure.message, known.get)
    if failure.code in (InsufficientFunds.code, FundsPromised.code):
        text = in_sol(text)
    return f"[{failure.code}] {with_names(text, lambda address: known[address].symbol if address in known else None)}"


def render_receipt(console: Console, receipt: Receipt, tokens: Tokens) -> None:
    """The order, what it was quoted, simulated and executed at, what it cost, and its journal where it was read."""
    order = receipt.order
    render_headline(console, receipt)
    rows = [("key", order.key)] if order.key != order.id else []
    if receipt.signature:
        rows.append(("signature", receipt.signature))
    if receipt.fill:
        rows.append(("landed in", f"slot {receipt.fill.slot}"))
    rows += route_rows(receipt, tokens)
    if order.quoted is None:
        rows.append(("asked", asked_text(receipt, tokens)))
    for name, amounts in (("quoted", order.quoted), ("simulated", order.simulated), ("executed", order.executed)):
        if amounts is not None:
            rows.append((name, _swap_text(amounts, receipt, tokens)))
    rows.append(("limit", limit_text(receipt, tokens)))
    costs = receipt.fill.costs if receipt.fill else order.costs
    if costs is not None:
        rows += cost_rows(costs, tokens)
    if receipt.fill and receipt.fill.units_consumed is not None:
        rows.append(("compute units", str(receipt.fill.units_consumed)))
    if order.failure:
        rows.append(("failure", failure_text(order.failure, tokens)))
    console.print(fact_table(rows))
    if receipt.events:
        render_events(console, receipt.events)


def render_headline(console: Console, receipt: Receipt) -> None:
    from rich.text import Text

    state = str(receipt.order.state)
    console.print(Text.assemble("order ", (receipt.order.id, "bold"), "  ", (state, f"bold {STATE_COLORS.get(state, 'cyan')}")))


def route_rows(receipt: Receipt, tokens: Tokens) -> list[tuple[str, str]]:
    """A row a leg, a line a hop; nothing before the order was routed."""
    rows = []
    legs = (receipt.order.route or {}).get("legs", ())
    for number, leg in enumerate(legs, 1):
        hops = " →\n".join(f"{hop['venue']} {hop['pool']}" for hop in leg["hops"])
        rows.append(("route", hops) if len(legs) == 1 else (f"leg {number}", f"{_share_text(leg, receipt, tokens)}\n{hops}"))
    return rows


def cost_rows(costs: Costs, tokens: Tokens) -> list[tuple[str, str]]:
    """Each cost that is not nothing, and always the network fee."""
    rows = [("network fee", sol_text(costs.network_fee_lamports))]
    for name, lamports in (
        ("priority fee", costs.priority_fee_lamports),
        ("rent locked", costs.rent_lamports),
        ("rent refunded", costs.rent_refunded_lamports),
        ("other", costs.other_lamports),
    ):
        if lamports:
            rows.append((name, sol_text(lamports)))
    rows += [("residual", amount_text(residual.amount, residual.mint, tokens)) for residual in costs.residuals]
    return rows


def fact_table(rows: Sequence[tuple[str, str]]) -> Table:
    """Names dimmed on the left, values on the right; long values fold, nothing is cut."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def render_events(console: Console, events: Sequence[OrderEvent]) -> None:
    """The journal of one order, a line a step, with the time since the first."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    for name, justify in (("step", "right"), ("after", "right"), ("event", "left"), ("state", "left")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    start = events[0].at_ms
    for event in events:
        moved = f"{event.before} → {event.after}" if event.before and event.before != event.after else str(event.after)
        table.add_row(str(event.seq), f"{event.at_ms - start} ms", str(event.kind), moved)
    console.print(table)


def render_orders(console: Console, receipts: Sequence[Receipt], tokens: Tokens) -> None:
    """One line an order, newest first; with its signature where the terminal is wide enough."""
    from rich.table import Table
    from rich.text import Text

    if not receipts:
        console.print("no orders in this journal")
        return
    table = Table(box=None, header_style="dim", padding=(0, 1), show_edge=False)
    wide = console.width >= _WIDE
    for name in ("order", "state", "swap", *(("signature",) if wide else ())):
        table.add_column(name, no_wrap=name != "swap", overflow="fold" if name == "swap" else "ellipsis")
    for receipt in receipts:
        state = str(receipt.order.state)
        swap = _listed_text(receipt, tokens)
        signature = (_short(receipt.signature),) if wide else ()
        table.add_row(receipt.order.id, Text(state, style=STATE_COLORS.get(state, "cyan")), swap, *signature)
    console.print(table)


def _listed_text(receipt: Receipt, tokens: Tokens) -> str:
    """What an order moved, or is quoted to move; of one that failed, what was asked and why not."""
    order = receipt.order
    if order.failure and not order.executed:
        return f"{asked_text(receipt, tokens)}  {order.failure.code}"
    amounts = order.executed or order.quoted
    return _swap_text(amounts, receipt, tokens) if amounts else asked_text(receipt, tokens)


def _share_text(leg: Mapping[str, Any], receipt: Receipt, tokens: Tokens) -> str:
    """What one leg was quoted to carry."""
    request = receipt.order.request
    paid = amount_text(int(leg["amount_in"]), request.input_mint, tokens)
    return f"{paid} → {amount_text(int(leg['amount_out']), request.output_mint, tokens)}"


def render_restored(console: Console, restored: Mapping[str, Any] | None, *, accepted: bool) -> None:
    """What is missing, until when nothing is signed, and the swaps found that the journal does not know."""
    if restored is None:
        console.print("this journal was not restored from a backup, or that was accepted")
        return
    rows = [("missing", f"{restored['missing']} signatures")]
    if restored.get("over"):
        rows.append(("in flight", "none of them can land any more"))
    elif restored.get("until_height") is not None:
        rows.append(("nothing is signed", f"before block height {restored['until_height']} is finalized"))
    for wallet, lost in restored.get("wallets", {}).items():
        rows.append(("wallet", wallet))
        if lost is None:
            rows.append(("lost swaps", "unknown: the node does not tell the wallet's history"))
        for swap in lost or ():
            moved = "\n".join(f"{change} base units of {mint}" for mint, change in swap["changes"].items())
            rows.append(("lost swap", f"{swap['signature']}\nslot {swap['slot']}\n{moved}"))
    rows.append(
        ("accepted", "orders are signed for again" if accepted else "no: `dex orders restored --accept` once you have looked")
    )
    console.print(fact_table(rows))


def span_text(seconds: float) -> str:
    """`7 s`, `3 min`, `2 h 05 min`, `9 d 4 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def render_stats(console: Console, stats: QueueStats, tokens: Tokens, *, now_ms: int) -> None:
    """Orders by state, the waiting ones by priority, which worker has which of them in hand, and what they promise."""
    from dexroute.types.orders import OrderState

    rows = [(str(state).lower(), str(stats.states.get(state, 0))) for state in OrderState if stats.states.get(state)]
    waiting = ", ".join(f"{count} {priority}" for priority, count in stats.waiting.items() if count)
    rows.append(("open", waiting or "none"))
    if stats.oldest_open_ms is not None:
        rows.append(("oldest open", f"for {span_text(stats.oldest_open_ms / 1_000)}"))
    rows.append(("running", str(stats.running)))
    rows += _holder_rows(stats, now_ms)
    rows.append(("ended", f"{stats.ended} in the last minute, {stats.ended / 60:.2f} a second"))
    if stats.retries:
        rows.append(("tried again", ", ".join(f"{count} {cause}" for cause, count in stats.retries.items())))
    rows.append(("not final yet", str(stats.not_final)))
    rows += [("promised", amount_text(amount, mint, tokens)) for mint, amount in stats.promised.items()]
    console.print(fact_table(rows))


def _holder_rows(stats: QueueStats, now_ms: int) -> list[tuple[str, str]]:
    rows = []
    for holder in stats.holders:
        since = span_text(max(0, now_ms - holder.since_ms) / 1_000)
        lease = "" if holder.lease_left_ms is None else f", lease for another {span_text(max(0, holder.lease_left_ms) / 1_000)}"
        held = f"{counted(holder.orders, 'order')}, the first for {since}{lease}"
        rows.append(("held by", f"{holder.owner.removesuffix('+lock')}\n{held}"))
    return rows if rows or not any(stats.waiting.values()) else [("held by", "no worker")]


def _swap_text(amounts: SwapAmounts, receipt: Receipt, tokens: Tokens) -> str:
    request = receipt.order.request
    paid, got = (
        amount_text(amounts.amount_in, request.input_mint, tokens),
        amount_text(amounts.amount_out, request.output_mint, tokens),
    )
    return f"{paid} → {got}"


def asked_text(receipt: Receipt, tokens: Tokens) -> str:
    request = receipt.order.request
    if request.mode.value == "exact_in":
        return f"{amount_text(request.amount, request.input_mint, tokens)} → ?"
    return f"? → {amount_text(request.amount, request.output_mint, tokens)}"


def limit_text(receipt: Receipt, tokens: Tokens) -> str:
    order = receipt.order
    if order.limit_amount is None:
        return "none yet"
    mint = order.request.output_mint if order.request.mode.value == "exact_in" else order.request.input_mint
    side = "at least" if order.request.mode.value == "exact_in" else "at most"
    return f"{side} {amount_text(order.limit_amount, mint, tokens)} (slippage {order.slippage_bps} bps)"


def _short(signature: str | None) -> str:
    return "–" if signature is None else f"{signature[:8]}…{signature[-8:]}"
