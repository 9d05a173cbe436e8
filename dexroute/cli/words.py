"""Errors in the words of whoever typed the command: symbols where there are any, and what was asked for in whole tokens.

JSON has addresses and base units; so have the errors themselves, because a symbol is no identity and a library knows no lists.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dexroute.errors import AmbiguousToken, DexError, UnknownToken
from dexroute.types.amounts import format_ui_amount

if TYPE_CHECKING:
    from dexroute.sdk.tokens import TokenBook

_ADDRESS: Final = re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{32,44}\b")
_ABOUT_NAMES: Final = (UnknownToken, AmbiguousToken)
# What an error's context holds in base units, of which token, and how that is called. None: of the one the mode measures.
_AMOUNTS: Final = {
    "amount": ("asked for", None),
    "most_fillable": ("at most", None),
    "held": ("all pools read hold", None),
    "amount_in": ("in", "input_mint"),
    "amount_out": ("out", "output_mint"),
    "reference_amount_out": ("at the reference price", "output_mint"),
}
_MEASURED: Final = {"exact_in": "input_mint", "exact_out": "output_mint"}


class Words:
    """The words of one cluster's tokens."""

    def __init__(self, tokens: TokenBook) -> None:
        self._tokens = tokens

    def line(self, text: str, error: DexError) -> str:
        """The text with symbols in place of mints that have one. An error about names keeps them as they are, and what the error
        knows as something else than a mint (a pool, a table) is not called by a token's name."""
        if isinstance(error, _ABOUT_NAMES):
            return text
        other = {value for key, value in error.context.items() if isinstance(value, str) and "mint" not in key}
        return _ADDRESS.sub(lambda found: found[0] if found[0] in other else self._symbol(found[0]) or found[0], text)

    def amounts(self, error: DexError) -> list[str]:
        """Lines with the amounts of the error in whole tokens."""
        measured = _MEASURED.get(str(error.context.get("mode")), "")
        found = [
            (name, self._amount(error.context.get(key), error.context.get(side or measured)))
            for key, (name, side) in _AMOUNTS.items()
        ]
        return [f"{name}: {text}" for name, text in found if text is not None]

    def _symbol(self, address: str) -> str | None:
        from solders.pubkey import Pubkey

        try:
            return self._tokens.symbol(Pubkey.from_string(address))
        except (ValueError, DexError):  # no address, or a list that cannot be read: this is about another error
            return None

    def _amount(self, amount: object, address: object) -> str | None:
        from solders.pubkey import Pubkey

        if not str(amount).isdecimal():
            return None
        try:
            token = self._tokens.known(Pubkey.from_string(str(address)))
        except (ValueError, DexError):
            return None
        return None if token is None else f"{format_ui_amount(int(str(amount)), token.decimals)} {token.symbol}"
