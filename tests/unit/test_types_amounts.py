"""Amounts as people type and read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dexroute.errors import InvalidAmount
from dexroute.types.amounts import U64_MAX, format_ui_amount, parse_ui_amount, require_u64


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [
        ("1.5", 9, 1_500_000_000),
        ("1", 0, 1),
        (".5", 1, 5),
        ("0.000001", 6, 1),
        ("007", 2, 700),
        ("1.50", 2, 150),
        ("18446744073709.551615", 6, U64_MAX),
        ("0." + "0" * 30 + "1", 31, 1),
    ],
)
def test_exact(text: str, decimals: int, amount: int) -> None:
    assert parse_ui_amount(text, decimals) == amount


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("0", "zero"),
        ("0.000000", "zero"),
        ("-1", "negative"),
        ("−1", "negative"),
        ("+1", "plain decimal"),
        ("1e3", "no exponents"),
        ("1E-3", "no exponents"),
        ("nan", "no number"),
        ("Infinity", "no number"),
        ("-inf", "negative"),
        ("1,5", "separators"),
        ("1_000", "separators"),
        ("1.", "plain decimal"),
        (".", "plain decimal"),
        ("1.2.3", "plain decimal"),
        ("0x10", "plain decimal"),
        (" 1", "plain decimal"),
        ("1\n", "plain decimal"),
        ("١٢", "only the digits 0-9"),
        ("1２", "only the digits 0-9"),
        ("²", "only the digits 0-9"),
        ("1.0000001", "has 7 decimals, the mint has 6"),
        ("18446744073709.551616", "more than a token account can hold"),
        ("1" * 65, "too long"),
        ("9" * 10_000, "too long"),
    ],
)
def test_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(InvalidAmount, match=words) as caught:
        parse_ui_amount(text, 6)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 300


@given(st.integers(1, U64_MAX), st.integers(0, 20))
def test_what_is_shown_reads_back_and_is_the_decimal_number(amount: int, decimals: int) -> None:
    shown = format_ui_amount(amount, decimals)
    assert parse_ui_amount(shown, decimals) == amount
    assert Decimal(shown) == Decimal(amount).scaleb(-decimals)
    assert format_ui_amount(-amount, decimals) == f"-{shown}"


@given(st.text(max_size=80), st.integers(0, 255))
def test_any_text_is_an_amount_or_an_error(text: str, decimals: int) -> None:
    try:
        amount = parse_ui_amount(text, decimals)
    except InvalidAmount:
        return
    assert 0 < amount <= U64_MAX
    assert Decimal(text) == Decimal(amount).scaleb(-decimals)


def test_zero_is_shown_plainly() -> None:
    assert format_ui_amount(0, 9) == "0"


@pytest.mark.parametrize("amount", [-1, U64_MAX + 1, True, 1.0, "1", None])
def test_what_does_not_fit_u64_is_refused(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        require_u64(amount)  # type: ignore[arg-type]


def test_what_fits_u64_is_returned() -> None:
    assert [require_u64(0), require_u64(U64_MAX)] == [0, U64_MAX]
