"""Amounts at the edge: what a person types, and what they are shown. Everywhere inside, amounts are integers of base units."""

from __future__ import annotations

import re
from typing import Final

from dexroute.errors import InvalidAmount

U64_MAX: Final = 2**64 - 1
LAMPORT_DECIMALS: Final = 9
_MAX_TYPED: Final = 64  # u64 has 20 digits; whatever is longer was not typed by a person
_PLAIN_DECIMAL: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?|\.([0-9]+)")


def parse_ui_amount(text: str, decimals: int) -> int:
    """`text` ("1.5") of a mint with `decimals`, exactly, as base units from 1 to u64's largest.

    Only ASCII digits and one point: no sign, exponent, separator or space. Raises InvalidAmount, which also is the answer to
    more decimals than the mint has: an amount is never rounded.
    """
    if len(text) > _MAX_TYPED:
        raise InvalidAmount(f"amount of {len(text)} characters is too long to be meant; at most {_MAX_TYPED}")
    match = _PLAIN_DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidAmount(
            f"amount {text!r} is not a plain decimal number; write it like 1.5 ({_what_is_wrong(text)})", amount=text
        )
    whole, after_point, bare = match.groups()
    fraction = after_point or bare or ""
    if len(fraction) > decimals:
        raise InvalidAmount(
            f"amount {text} has {len(fraction)} decimals, the mint has {decimals}; amounts are never rounded, leave the rest away",
            amount=text,
            decimals=decimals,
        )
    amount = int((whole or "") + fraction.ljust(decimals, "0") or "0")
    if amount == 0:
        raise InvalidAmount(f"amount {text} is zero; give a positive amount", amount=text)
    if amount > U64_MAX:
        raise InvalidAmount(
            f"amount {text} is more than a token account can hold; at most {format_ui_amount(U64_MAX, decimals)}",
            amount=text,
            decimals=decimals,
        )
    return amount


def format_ui_amount(amount: int, decimals: int) -> str:
    """Base units as the exact decimal number, without trailing zeros. Differences may be negative."""
    sign = "-" if amount < 0 else ""
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def sol_text(lamports: int) -> str:
    """`0.000005 SOL`."""
    return f"{format_ui_amount(lamports, LAMPORT_DECIMALS)} SOL"


def require_u64(amount: int, what: str = "amount") -> int:
    """`amount` itself, when it is an integer from 0 to u64's largest. Raises InvalidAmount."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise InvalidAmount(f"{what} must be an integer of base units, not {type(amount).__name__}")
    if not 0 <= amount <= U64_MAX:
        raise InvalidAmount(f"{what} {amount} does not fit a token amount (0 to {U64_MAX})", amount=str(amount))
    return amount


def _what_is_wrong(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return "it is empty"
    if stripped.startswith(("-", "−")):
        return "it is negative"
    if stripped.lower().lstrip("+") in {"nan", "inf", "infinity"}:
        return "it is no number"
    if not stripped.isascii():
        return "only the digits 0-9 are read"
    if re.fullmatch(r"\+?[0-9.]+e[+-]?[0-9]+", stripped, re.IGNORECASE):
        return "no exponents"
    if "," in stripped or "_" in stripped:
        return "no separators; decimals follow a point"
    return "digits and at most one point"
