"""Which mint a symbol means: a pinned list shipped with dexroute, the tokens a user added for a cluster, and on mainnet-beta the
verified list a user fetched (`dex tokens refresh`).

Symbols are never looked up anywhere else: anyone can name a new mint USDC.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from solders.pubkey import Pubkey

from dexroute.chain.token_file import Entry, read_tokens, write_tokens
from dexroute.errors import AmbiguousToken, UnknownToken
from dexroute.types.mints import NATIVE_MINT

MAINNET_GENESIS: Final = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


TokenSource = Literal["user", "pinned", "verified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedToken:
    """A mint as people name it. `symbol` is None for a mint on no list; `decimals` None must be read from the chain. `source` is
    who named it; what a "verified" list says of decimals is for reading, never for amounts."""

    mint: Pubkey
    symbol: str | None
    decimals: int | None
    source: TokenSource | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """The symbol, or the mint's first and last characters."""
        text = str(self.mint)
        return self.symbol or f"{text[:4]}…{text[-4:]}"


class TokenList:
    """The symbols of one cluster.

    The user's own come first. The pinned list is mainnet-beta's: elsewhere its symbols name the same mints (clones of mainnet are
    common) where the user's do not say otherwise, but its decimals are not relied on. SOL is the native mint everywhere.
    The verified list is asked only for what neither names, and only then read.
    """

    def __init__(
        self,
        *,
        is_mainnet: bool,
        pinned: Sequence[ListedToken],
        added: Sequence[ListedToken],
        verified: Callable[[], Sequence[ListedToken]] = tuple,
    ) -> None:
        self._is_mainnet = is_mainnet
        self._pinned = tuple(
            token if is_mainnet or token.mint == NATIVE_MINT else replace(token, decimals=None) for token in pinned
        )
        self._added = tuple(added)
        self._read_verified = verified

    @classmethod
    def open(cls, data_dir: Path, cluster: str) -> TokenList:
        """The list of a cluster, named by its genesis hash, with what `add` put into `data_dir`. Raises ConfigError."""
        is_mainnet = cluster == MAINNET_GENESIS
        pinned = pinned_tokens()
        return cls(
            is_mainnet=is_mainnet,
            pinned=pinned,
            added=_added(data_dir, cluster),
            verified=lambda: verified_tokens(data_dir, pinned) if is_mainnet else (),
        )

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def tokens(self) -> tuple[ListedToken, ...]:
        """All tokens, the user's first, then the pinned, then the verified, each mint once. Raises ConfigError."""
        return tuple({**self._verified, **self._own}[mint] for mint in {**self._own, **self._verified})

    def of_mint(self, mint: Pubkey) -> ListedToken:
        """The token of any mint; without symbol and decimals when it is on no list. Raises ConfigError."""
        found = self._own.get(mint) or self._verified.get(mint)
        return found or ListedToken(mint=mint, symbol=None, decimals=None)

    @cached_property
    def _own(self) -> dict[Pubkey, ListedToken]:
        return _by_mint((*self._added, *self._pinned))

    @cached_property
    def _verified(self) -> dict[Pubkey, ListedToken]:
        return _by_mint(self._read_verified())

    def resolve(self, symbol_or_mint: str) -> ListedToken:
        """The token of a base58 mint or of a symbol (its case matters only where it decides).

        Raises AmbiguousToken listing the mints when several carry the symbol, UnknownToken with the nearest symbols when none does,
        ConfigError when the verified list is needed and damaged.
        """
        text = symbol_or_mint.strip()
        mint = _as_mint(text)
        if mint is not None:
            return self.of_mint(mint)
        found = self._carriers(text) or _carrying(text, tuple(self._verified.values()))
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

    def _carriers(self, text: str) -> list[ListedToken]:
        found = _carrying(text, (*self._added, *self._pinned))
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


def remove_token(data_dir: Path, cluster: str, symbol_or_mint: str) -> tuple[ListedToken, ...]:
    """Take back what `add_token` named so on a cluster (its genesis hash), by exact symbol or mint. Returns what was removed;
    nothing is written when nothing was. Raises ConfigError."""
    clusters = {name: list(entries) for name, entries in read_tokens(data_dir).items()}
    known = clusters.get(cluster, [])
    removed = [entry for entry in known if symbol_or_mint in (entry["symbol"], entry["mint"])]
    if removed:
        clusters[cluster] = [entry for entry in known if entry not in removed]
        write_tokens(data_dir, clusters)
    return tuple(_token(entry, "user") for entry in removed)


def pinned_tokens() -> tuple[ListedToken, ...]:
    """The list shipped with dexroute: mainnet-beta's well-known mints."""
    text = resources.files("dexroute.chain").joinpath("tokens.json").read_text(encoding="utf-8")
    return tuple(_token(entry, "pinned") for entry in json.loads(text))


def verified_tokens(data_dir: Path, pinned: Sequence[ListedToken]) -> tuple[ListedToken, ...]:
    """The verified list as last fetched; empty when it never was. Raises ConfigError."""
    from dexroute.chain.token_lists.kept import read_kept
    from dexroute.chain.token_lists.symbols import look_of, refusal

    kept = read_kept(data_dir)
    if kept is None:
        return ()
    # It was judged when it was fetched, but perhaps by a dexroute that pinned less.
    looks = look_of(token.symbol or "" for token in pinned)
    named = {str(token.mint) for token in pinned}
    usable = (entry for entry in kept.entries if entry["mint"] not in named and refusal(entry["symbol"], looks) is None)
    return tuple(_token(entry, "verified") for entry in usable)


def _added(data_dir: Path, cluster: str) -> tuple[ListedToken, ...]:
    return tuple(_token(entry, "user") for entry in read_tokens(data_dir).get(cluster, []))


def _carrying(text: str, listed: Sequence[ListedToken]) -> list[ListedToken]:
    """Each mint once, in order: those with exactly this symbol, else those where only case differs."""
    exact = [token for token in listed if token.symbol == text]
    matching = exact or [token for token in listed if token.symbol is not None and token.symbol.lower() == text.lower()]
    return list(_by_mint(matching).values())


def _by_mint(tokens: Sequence[ListedToken]) -> dict[Pubkey, ListedToken]:
    first: dict[Pubkey, ListedToken] = {}
    for token in tokens:
        first.setdefault(token.mint, token)
    return first


def _token(entry: Mapping[str, str | int], source: TokenSource) -> ListedToken:
    mint, symbol, decimals = Pubkey.from_string(str(entry["mint"])), str(entry["symbol"]), int(entry["decimals"])
    return ListedToken(mint=mint, symbol=symbol, decimals=decimals, source=source)


def _as_mint(text: str) -> Pubkey | None:
    if not 32 <= len(text) <= 44:
        return None
    try:
        return Pubkey.from_string(text)
    except ValueError:
        return None
