"""Tokens by symbol or mint, with decimals from the chain where no list of this cluster says them."""

from __future__ import annotations

from collections.abc import Iterable

from solders.pubkey import Pubkey

from dexroute.chain.tokens import TokenList
from dexroute.errors import DecodeError, UnknownToken
from dexroute.fetchers.tokens import decode_mint
from dexroute.ports import AccountReader
from dexroute.sdk.token import Token
from dexroute.types.accounts import AccountSnapshot, ChainClock
from dexroute.types.mints import Mint

_ANY_POOL = Pubkey.default()


class TokenBook:
    """The tokens of one cluster. Decimals read once are kept: a mint never changes them."""

    def __init__(self, listed: TokenList, reader: AccountReader) -> None:
        self._listed = listed
        self._reader = reader
        self._decimals: dict[Pubkey, int] = {}

    async def resolve(self, symbol_or_mint: str | Pubkey) -> Token:
        """The token a person means. Raises UnknownToken, AmbiguousToken, NetworkError."""
        text = str(symbol_or_mint)
        found = self._listed.resolve(text)
        # Amounts rest on decimals, so a list fetched from somewhere is not taken at its word.
        if (found.decimals is None or found.source == "verified") and found.mint not in self._decimals:
            await self._read(found.mint)
        return self._named(found.mint)

    def learn(self, mints: Iterable[Mint]) -> None:
        """Take over decimals that were read with a pool."""
        for mint in mints:
            self._decimals[mint.address] = mint.decimals

    def known(self, mint: Pubkey) -> Token | None:
        """The token of a mint whose decimals are known by now. Raises ConfigError when a list it must look into is damaged."""
        listed = self._listed.of_mint(mint)
        return self._named(mint) if listed.decimals is not None or mint in self._decimals else None

    def label(self, mint: Pubkey) -> str:
        """The symbol of a mint, or a short form of its address."""
        return self._listed.of_mint(mint).label

    def symbol(self, mint: Pubkey) -> str | None:
        """The symbol a list of this cluster has for a mint."""
        return self._listed.of_mint(mint).symbol

    def _named(self, mint: Pubkey) -> Token:
        listed = self._listed.of_mint(mint)
        # What the chain said is over what a list says.
        decimals = self._decimals.get(mint, listed.decimals)
        assert decimals is not None, "resolve and known look first"
        return Token(mint=mint, symbol=listed.symbol or listed.label, decimals=decimals)

    async def _read(self, mint: Pubkey) -> None:
        read = await self._reader.get_accounts([mint])
        account = read.accounts.get(mint)
        if account is None:
            raise UnknownToken(
                f"no mint {mint} on this cluster at slot {read.slot}; check the address and the cluster (-u)",
                token=str(mint),
                near=[],
            )
        # Only decimals are taken from here, so no clock is needed: a transfer fee is read anew with every pool.
        clock = ChainClock(slot=read.slot, epoch=0, unix_timestamp=0)
        snapshot = AccountSnapshot(clock=clock, accounts=read.accounts)
        try:
            self._decimals[mint] = decode_mint(snapshot, mint, pool=_ANY_POOL, field="mint").decimals
        except DecodeError as error:
            reason = error.message.removeprefix(f"pool {_ANY_POOL}: ")
            raise UnknownToken(f"{mint} cannot be swapped: {reason}", token=str(mint), near=[]) from error
