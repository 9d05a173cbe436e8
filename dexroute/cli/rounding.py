"""Numbers for reading, where all their digits would only be in the way. JSON has every digit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction

from dexroute.math.rounding import apportion

_MOST_DECIMALS = 9


def rounded(amount: int, decimals: int, digits: int = 6) -> str:
    """Base units as a decimal number of so many significant digits, rounded down; 0 only for nothing."""
    return _plain(Context(prec=digits, rounding=ROUND_DOWN).create_decimal(Decimal(amount).scaleb(-decimals, Context(prec=60))))


def brief(amount: int, decimals: int, digits: int = 6) -> str:
    """As `rounded`, with an exponent where the number would be longer than a label: `1.5e18` from a million millions on."""
    text = rounded(amount, decimals, digits)
    if amount < 10 ** (decimals + 12):
        return text
    number = text.replace(",", "")
    return f"{number[0]}.{number[1:digits]}".rstrip("0").rstrip(".") + f"e{len(number) - 1}"


def rounded_ratio(ratio: Fraction, digits: int = 6) -> str:
    """An exact ratio with so many significant digits, rounded down."""
    return _plain(Context(prec=digits, rounding=ROUND_DOWN).divide(ratio.numerator, ratio.denominator))


def hundredths(number: int) -> str:
    """Hundredths of a basis point, say, as a number of two decimals. Not negative."""
    return f"{number // 100}.{number % 100:02d}"


def share_texts(ppm: Sequence[int]) -> list[str]:
    """The shares of a whole as percent, to a hundredth: 33.33 %. They add up to 100 %."""
    return [f"{hundredths(share)} %" for share in apportion(10_000, ppm)]


def _plain(number: Decimal) -> str:
    """Thousands apart, no exponent, no zeros at the end."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
