"""How the inside reaches the outside: the Protocols that chain/, storage/ and tests implement.

Nothing below this line of the import graph opens a socket, a file or a database. Network methods raise NetworkError and
its subclasses; they never return a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from solders.hash import Hash
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.types.accounts import AccountData
from dexroute.types.chain import (
    AccountFilter,
    AccountsAtSlot,
    BlockhashLifetime,
    Commitment,
    LandedTransaction,
    SignatureStatus,
    Simulation,
)


class AccountReader(Protocol):
    """Reads accounts from one cluster."""

    async def get_accounts(
        self,
        addresses: Sequence[Pubkey],
        *,
        min_context_slot: int | None = None,
        commitment: Commitment = Commitment.CONFIRMED,
    ) -> AccountsAtSlot:
        """At most 100 addresses, one call, one slot. Raises NetworkError (a node behind `min_context_slot` is StaleData)."""
        ...

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        """Accounts of a program; `data_slice` is (offset, length). Raises RpcError when the node does not offer it."""
        ...


class TransactionSender(Protocol):
    """Lands transactions on one cluster and tells what became of them."""

    async def genesis_hash(self) -> Hash: ...

    async def latest_blockhash(self) -> BlockhashLifetime: ...

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        """(block height, context slot) at this commitment; the slot is one the node had reached before it answered."""
        ...

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = ()) -> Simulation:
        """Simulate these exact bytes without checking signatures."""
        ...

    async def send(self, wire: bytes) -> None:
        """Hand the bytes to the cluster (skipPreflight, maxRetries 0). Returning says nothing about landing."""
        ...

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        """(context slot, a status or None for each signature)."""
        ...

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        """The landed transaction at `confirmed`, or None while this node does not have it."""
        ...

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        """Micro-lamports per compute unit paid in recent slots for these accounts; empty when the node does not offer it."""
        ...

    async def rent_exemption(self, data_length: int) -> int:
        """Lamports an account of this many bytes must hold."""
        ...


class Signer(Protocol):
    """Signs messages with one key."""

    @property
    def pubkey(self) -> Pubkey: ...

    async def sign(self, message: MessageV0) -> Signature: ...


class Clock(Protocol):
    """Host time: for waiting and for records, never for deciding what happened on chain."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        ...

    def monotonic_ms(self) -> int: ...

    async def sleep_ms(self, duration_ms: int) -> None: ...
