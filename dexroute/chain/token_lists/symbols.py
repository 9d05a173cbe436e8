"""Which symbols of a foreign list may be used, and why others may not.

A symbol decides which mint gets somebody's money, so anything that could be taken for another is refused: such a token can
still be named by its address.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from dexroute.chain.token_file import LONGEST_SYMBOL, is_symbol

# What looks alike in common fonts, written as one of each kind; the rest of Unicode is refused before it gets here.
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "2": "z", "5": "s", "8": "b", "$": "s", ".": "", "_": "", "-": ""})
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})


def skeletons(symbol: str) -> frozenset[str]:
    """Forms in which two symbols that look alike meet: case, punctuation and similar characters do not tell them apart.
    A leading $ is read both as decoration and as an S."""
    return frozenset(_skeleton(text) for text in (symbol, symbol.lstrip("$")))


def look_of(symbols: Iterable[str]) -> dict[str, str]:
    """{skeleton: symbol} of symbols nothing may imitate."""
    return {look: symbol for symbol in symbols for look in skeletons(symbol)}


def refusal(symbol: object, pinned_looks: Mapping[str, str]) -> str | None:
    """Why a foreign list's symbol is not used; None when it may be. Safe to print."""
    if not isinstance(symbol, str) or not symbol:
        return "has no symbol"
    if len(symbol) > LONGEST_SYMBOL:
        return f"its symbol has {len(symbol)} characters, more than {LONGEST_SYMBOL}"
    if any(unicodedata.category(character) in _HIDDEN for character in symbol):
        return "its symbol has blanks, control or invisible characters"
    if not symbol.isascii():
        imitated = _imitated(_plain(symbol), pinned_looks)
        return f"its symbol imitates {imitated}" if imitated else "its symbol has characters that could imitate others"
    if not is_symbol(symbol):
        return "its symbol has other characters than letters, digits and $ . _ -"
    imitated = _imitated(symbol, pinned_looks)
    return f"its symbol looks like {imitated}, which means another mint" if imitated else None


def shown(symbol: object) -> str:
    """A hostile symbol in printable ASCII, short."""
    text = ascii(symbol)
    return text if len(text) <= 24 else f"{text[:20]}...'"


def _imitated(symbol: str, pinned_looks: Mapping[str, str]) -> str | None:
    return next((pinned_looks[look] for look in sorted(skeletons(symbol)) if look in pinned_looks), None)


def _skeleton(symbol: str) -> str:
    return symbol.lower().translate(_ALIKE).replace("rn", "m").replace("vv", "w")


# Letters of other scripts that are drawn like Latin ones and that no normal form maps: for the reason given only.
_FOREIGN: Final = str.maketrans("АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYX")


def _plain(symbol: str) -> str:
    return unicodedata.normalize("NFKD", symbol).translate(_FOREIGN).encode("ascii", "ignore").decode()
