"""What the tokens of a journal are called, without holding up or being held up by whoever works on it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from solders.pubkey import Pubkey

from dexroute.chain.tokens import TokenList
from dexroute.config import Settings
from dexroute.errors import DexError
from dexroute.sdk.token import Token
from dexroute.sdk.tokens import TokenBook

if TYPE_CHECKING:
    from dexroute.sdk.connection import Connection


class LedgerTokens:
    """Symbols and decimals: of the lists of each order's cluster, else of the chain where the settings lead to that cluster,
    which is then connected to for as long as `stack` is open."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._lists: dict[str, TokenList] = {}
        self._known: dict[tuple[str, Pubkey], Token | None] = {}
        self._connection: Connection | None = None
        self._asked = False

    async def of(self, cluster: str, mints: Iterable[Pubkey]) -> dict[Pubkey, Token]:
        """By mint, on the cluster with this genesis hash; without those whose decimals nobody could tell."""
        found: dict[Pubkey, Token] = {}
        for mint in dict.fromkeys(mints):
            if (cluster, mint) not in self._known:
                self._known[cluster, mint] = await self._find(cluster, mint)
            if (token := self._known[cluster, mint]) is not None:
                found[mint] = token
        return found

    async def _find(self, cluster: str, mint: Pubkey) -> Token | None:
        if cluster not in self._lists:
            self._lists[cluster] = TokenList.open(self._settings.data_dir, cluster)
        listed = self._lists[cluster].of_mint(mint)
        if listed.decimals is not None and listed.source != "verified":  # whose decimals are not for amounts
            return Token(mint=mint, symbol=listed.label, decimals=listed.decimals)
        connection = await self.connection()
        if connection is None or connection.genesis_hash != cluster:
            return None
        try:
            return await TokenBook(self._lists[cluster], connection.client).resolve(mint)
        except DexError:  # closed, or the node has gone
            return None

    async def connection(self) -> Connection | None:
        """To the cluster of the settings; None when it cannot be reached, or another process has it."""
        if not self._asked:
            from dexroute.sdk.connection import connect

            self._asked = True
            try:
                self._connection = await self._stack.enter_async_context(connect(self._settings))
            except DexError:
                return None
        return self._connection
