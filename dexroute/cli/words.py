"""Errors in the words of whoever typed the command: symbols where there are any, amounts in whole tokens.

JSON has addresses and base units; so have the errors themselves, because a symbol is no identity and a library knows no lists.
Whoever writes a message writes an amount as `N base units of MINT`, and it is found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dexroute.errors import AmbiguousToken, DexError, InsufficientFunds, UnknownToken
from dexroute.types.amounts import sol_text

if TYPE_CHECKING:
    from dexroute.sdk.token import Token
    from dexroute.sdk.tokens import TokenBook

_AMOUNT: Final = re.compile(r"\b([0-9]+) base units of ([1-9A-HJ-NP-Za-km-z]{32,44})\b")
_LAMPORTS: Final = re.compile(r"\b([0-9]+) lamports\b")
_ADDRESS: Final = re.compile(r"\b[1-9A-HJ-NP-Za-km-z]{32,44}\b")
_ABOUT_NAMES: Final = (UnknownToken, AmbiguousToken)


def in_whole_tokens(text: str, token_of: Callable[[str], Token | None]) -> str:
    """The text with `1.5 SOL` in place of `1500000000 base units of So11...`, wherever `token_of` an address is known."""

    def whole(found: re.Match[str]) -> str:
        token = token_of(found[2])
        return found[0] if token is None else token.text(int(found[1]))

    return _AMOUNT.sub(whole, text)


def in_sol(text: str) -> str:
    """The text with `1.5 SOL` in place of `1500000000 lamports`. For what a wallet lacks; options and settings take lamports."""
    return _LAMPORTS.sub(lambda found: sol_text(int(found[1])), text)


def with_names(text: str, name_of: Callable[[str], str | None]) -> str:
    """The text with names in place of the addresses `name_of` has one for."""
    return _ADDRESS.sub(lambda found: name_of(found[0]) or found[0], text)


class Words:
    """The words of one cluster's tokens."""

    def __init__(self, tokens: TokenBook) -> None:
        self._tokens = tokens

    def line(self, text: str, error: DexError) -> str:
        """The text with symbols in place of mints that have one, and whole tokens in place of base units. An error about names
        keeps them as they are, and what the error knows as something else than a mint (a pool, a table) keeps its address."""
        if isinstance(error, _ABOUT_NAMES):
            return text
        other = {value for key, value in error.context.items() if isinstance(value, str) and "mint" not in key}
        text = in_whole_tokens(text, self._token)
        if isinstance(error, InsufficientFunds):
            text = in_sol(text)
        return with_names(text, lambda address: None if address in other else self._symbol(address))

    def _symbol(self, address: str) -> str | None:
        from solders.pubkey import Pubkey

        try:
            return self._tokens.symbol(Pubkey.from_string(address))
        except (ValueError, DexError):  # no address, or a list that cannot be read: this is about another error
            return None

    def _token(self, address: str) -> Token | None:
        from solders.pubkey import Pubkey

        try:
            return self._tokens.known(Pubkey.from_string(address))
        except (ValueError, DexError):
            return None
