"""Which mint a symbol means: a pinned list shipped with dexroute, and the tokens a user added for a cluster.

Symbols are never looked up anywhere else: anyone can name a new mint USDC.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from dexroute.chain.token_file import Entry, read_tokens, write_tokens
from dexroute.errors import AmbiguousToken, UnknownToken
from dexroute.types.mints import NATIVE_MINT

MAINNET_GENESIS: Final = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A mint as people name it. `symbol` is None for a mint on no list; `decimals` None must be read from the chain."""

    mint: Pubkey
    symbol: str | None
    decimals: int | None

    @property
    def label(self) -> str:
        """The symbol, or the mint's first and last characters."""
        text = str(self.mint)
        return self.symbol or f"{text[:4]}…{text[-4:]}"


class TokenList:
    """The symbols of one cluster.

    The user's own come first. The pinned list is mainnet-beta's: elsewhere its symbols name the same mints (clones of mainnet are
    common) where the user's do not say otherwise, but its decimals are not relied on. SOL is the native mint everywhere.
    """

    def __init__(self, *, is_mainnet: bool, pinned: Sequence[Token], added: Sequence[Token]) -> None:
        self._is_mainnet = is_mainnet
        self._pinned = tuple(
            token if is_mainnet or token.mint == NATIVE_MINT else Token(mint=token.mint, symbol=token.symbol, decimals=None)
            for token in pinned
        )
        self._added = tuple(added)

    @classmethod
    def open(cls, data_dir: Path, cluster: str) -> TokenList:
        """The list of a cluster, named by its genesis hash, with what `add` put into `data_dir`. Raises ConfigError."""
        return cls(is_mainnet=cluster == MAINNET_GENESIS, pinned=pinned_tokens(), added=_added(data_dir, cluster))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens, the user's first, each mint once."""
        first: dict[Pubkey, Token] = {}
        for token in (*self._added, *self._pinned):
            first.setdefault(token.mint, token)
        return tuple(first.values())

    def of_mint(self, mint: Pubkey) -> Token:
        """The token of any mint; without symbol and decimals when it is on no list."""
        for token in self.tokens:
            if token.mint == mint:
                return token
        return Token(mint=mint, symbol=None, decimals=None)

    def resolve(self, symbol_or_mint: str) -> Token:
        """The token of a base58 mint or of a symbol (its case matters only where it decides).

        Raises AmbiguousToken listing the mints when several carry the symbol, UnknownToken with the nearest symbols when none does.
        """
        text = symbol_or_mint.strip()
        mint = _as_mint(text)
        if mint is not None:
            return self.of_mint(mint)
        found = self._carriers(text)
        if len(found) > 1:
            mints = [str(token.mint) for token in found]
            raise AmbiguousToken(
                f"symbol {text} is carried by {len(found)} mints: {', '.join(mints)}; give the mint's address",
                symbol=text,
                mints=mints,
            )
        if not found:
            raise self._unknown(text)
        return found[0]

    def _carriers(self, text: str) -> list[Token]:
        listed = (*self._added, *self._pinned)
        exact = [token for token in listed if token.symbol == text]
        matching = exact or [token for token in listed if token.symbol is not None and token.symbol.lower() == text.lower()]
        found = list({token.mint: token for token in reversed(matching)}.values())[::-1]
        own = [token for token in found if token in self._added]
        # Elsewhere than on mainnet the user's word overrides a list that was not made for that cluster.
        return own if own and not self._is_mainnet else found

    def _unknown(self, text: str) -> UnknownToken:
        symbols = {token.symbol.lower(): token.symbol for token in self.tokens if token.symbol}
        near = [symbols[close] for close in difflib.get_close_matches(text.lower(), symbols, n=3, cutoff=0.5)]
        shown = text if len(text) <= 60 else f"{text[:60]}…"
        hint = f"did you mean {' or '.join(near)}? If not, give" if near else "give"
        return UnknownToken(f"no token {shown!r} on this cluster's list; {hint} the mint's address", token=shown, near=near)


def add_token(data_dir: Path, cluster: str, *, symbol: str, mint: Pubkey, decimals: int) -> None:
    """Name a mint on a cluster (its genesis hash), in `data_dir`/tokens.json. A symbol already given there moves to the new mint.

    The file is replaced whole or not at all. Raises ConfigError when symbol or decimals cannot be, or the file is damaged.
    """
    entry: Entry = {"symbol": symbol, "mint": str(mint), "decimals": decimals}
    clusters = {name: list(entries) for name, entries in read_tokens(data_dir).items()}
    others = [known for known in clusters.get(cluster, []) if known["symbol"] != symbol and known["mint"] != str(mint)]
    clusters[cluster] = [*others, entry]
    write_tokens(data_dir, clusters)


def pinned_tokens() -> tuple[Token, ...]:
    """The list shipped with dexroute: mainnet-beta's well-known mints."""
    text = resources.files("dexroute.chain").joinpath("tokens.json").read_text(encoding="utf-8")
    return tuple(_token(entry) for entry in json.loads(text))


def _added(data_dir: Path, cluster: str) -> tuple[Token, ...]:
    return tuple(_token(entry) for entry in read_tokens(data_dir).get(cluster, []))


def _token(entry: Mapping[str, str | int]) -> Token:
    return Token(mint=Pubkey.from_string(str(entry["mint"])), symbol=str(entry["symbol"]), decimals=int(entry["decimals"]))


def _as_mint(text: str) -> Pubkey | None:
    if not 32 <= len(text) <= 44:
        return None
    try:
        return Pubkey.from_string(text)
    except ValueError:
        return None
