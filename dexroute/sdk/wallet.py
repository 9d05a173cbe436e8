"""What a wallet holds, and the faucet of test clusters."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.chain.rpc.client import RpcClient
from dexroute.errors import OutcomeUnknown
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.ports import Clock
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolding:
    """One token account of a wallet, base units."""

    account: Pubkey
    mint: Pubkey
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletBalance:
    """A wallet's lamports and its token accounts, ordered by mint."""

    wallet: Pubkey
    lamports: int
    tokens: tuple[TokenHolding, ...]

    def amount_of(self, mint: Pubkey) -> int:
        """Base units of a mint over all the wallet's accounts of it."""
        return sum(holding.amount for holding in self.tokens if holding.mint == mint)


async def read_balances(client: RpcClient, wallet: Pubkey) -> WalletBalance:
    """Read now, at `confirmed`. Raises NetworkError."""
    own = (await client.get_accounts([wallet])).accounts[wallet]
    holdings = []
    for program in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        for address, account in (await client.token_accounts(wallet, program)).items():
            if len(account.data) >= TOKEN_ACCOUNT_LENGTH:
                reader = Reader(account.data)
                holdings.append(TokenHolding(account=address, mint=reader.pubkey(0), amount=reader.u64(64)))
    ordered = sorted(holdings, key=lambda holding: (str(holding.mint), str(holding.account)))
    return WalletBalance(wallet=wallet, lamports=own.lamports if own else 0, tokens=tuple(ordered))


class Faucet:
    """Free lamports where a cluster gives them."""

    _TRIES = 75
    _POLL_MS = 400

    def __init__(self, client: RpcClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def airdrop(self, wallet: Pubkey, lamports: int) -> Signature:
        """Ask the faucet and wait until the transfer is confirmed. Raises RpcError where there is no faucet, OutcomeUnknown."""
        signature = await self._client.request_airdrop(wallet, lamports)
        for _ in range(self._TRIES):
            _, (status,) = await self._client.signature_statuses([signature], search_history=False)
            if status is not None and status.commitment != "processed":
                return signature
            await self._clock.sleep_ms(self._POLL_MS)
        raise OutcomeUnknown(f"airdrop {signature} is not confirmed yet; look at the balance in a while", signature=str(signature))
