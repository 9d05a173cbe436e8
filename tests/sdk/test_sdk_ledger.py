"""One row of the ledger: what of `other_lamports` was a tip, and what nobody can know."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from solders.hash import Hash
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from dexroute.engine.planning.tip import JITO_TIP_ACCOUNTS
from dexroute.sdk.ledger import COLUMNS, ledger_mints, ledger_row, utc
from dexroute.sdk.token import Token
from dexroute.types.orders import AttemptOutcome, OrderHistory, OrderState
from tests.storage.orders_at_hand import MINT_A, MINT_B, MOST, U64_MAX, WALLET, a_fill, an_attempt, an_order, signed

USDC = Token(mint=MINT_A, symbol="=USDC", decimals=6)


def landed(outcome: AttemptOutcome = AttemptOutcome.LANDED) -> OrderHistory:
    """Everything as large as it can be; the message tips 12,345 lamports."""
    receiver = min(JITO_TIP_ACCOUNTS, key=bytes)
    tip = transfer(TransferParams(from_pubkey=WALLET, to_pubkey=receiver, lamports=12_345))
    message = to_bytes_versioned(MessageV0.try_compile(WALLET, [tip], [], Hash.default()))
    order = replace(an_order(), state=OrderState.CONFIRMED, quoted=MOST, executed=MOST)
    attempt = replace(signed(an_attempt(order)), message=message, outcome=outcome, slot=U64_MAX)
    fill = a_fill(attempt)
    return OrderHistory(order=order, attempts=(attempt,), fills=(replace(fill, costs=replace(fill.costs, other_lamports=12_350)),))


def test_a_tip_is_a_cost_of_its_own() -> None:
    row = ledger_row(landed(), {})
    assert (row["tip_lamports"], row["other_lamports"], row["tip_sol"]) == (12_345, 5, Decimal("0.000012345"))
    failed = ledger_row(landed(AttemptOutcome.LANDED_WITH_ERROR), {})
    assert (failed["tip_lamports"], failed["other_lamports"]) == (0, 12_350), "what failed tipped nobody"


def test_amounts_are_exact_in_both_units() -> None:
    history = landed()
    assert ledger_mints(history) == (MINT_A, MINT_B)
    row = ledger_row(history, {MINT_A: USDC})
    assert (row["executed_in"], row["executed_in_ui"]) == (U64_MAX, Decimal("18446744073709.551615"))
    assert (row["executed_out"], row["executed_out_ui"], row["output_symbol"]) == (U64_MAX, None, None)
    assert row["residuals"] == f"{MINT_A}:-{U64_MAX} {MINT_B}:1"
    assert row["residuals_ui"] == f"{MINT_A}:-18446744073709.551615 {MINT_B}:"
    assert row["network_fee_sol"] == Decimal("18446744073.709551615")


def test_nothing_known_is_nothing_said() -> None:
    row = ledger_row(OrderHistory(order=an_order()), {})
    assert list(row) == list(COLUMNS)
    unknown = {name for name, cell in row.items() if cell is None}
    assert {"signature", "slot", "executed_in", "network_fee_lamports", "route", "landed_at", "failure_code"} <= unknown
    assert (row["attempts"], row["outcomes"]) == (0, "")


def test_times() -> None:
    assert utc(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    assert (utc(0), utc(-1), utc(None)) == ("1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", None)
    assert utc(2**62) is None
    assert Pubkey.default() not in ledger_mints(landed())
