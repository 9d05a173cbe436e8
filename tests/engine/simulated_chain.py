"""A cluster small enough to misbehave on demand: slots, expiry, three commitments, nodes that drop, fail, lag and lie.

Time is virtual: it passes when somebody sleeps. A transaction swaps token A for token B at a fixed price inside the chain's own
ledger, and every landing is counted by order, which is what the tests are about.
"""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.keypair import Keypair
from solders.message import MessageHeader, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.execution.builder import BuiltAttempt, RoutedOrder
from dexroute.errors import NetworkError
from dexroute.types.chain import (
    BlockhashLifetime,
    Commitment,
    HistoryEntry,
    LandedTransaction,
    SignatureStatus,
    Simulation,
    TokenBalance,
    TransactionError,
)
from dexroute.types.orders import Costs, Order, SwapAmounts

SLOT_MS: Final = 400
FEE_LAMPORTS: Final = 5_000
PROGRAM: Final = Pubkey.from_string("Swap111111111111111111111111111111111111111")
BLOCKHASH_BLOCKS: Final = 150
DEPTH: Final = {Commitment.PROCESSED: 0, Commitment.CONFIRMED: 2, Commitment.FINALIZED: 32}


class VirtualClock:
    """dexroute.ports.Clock whose time passes only by sleeping."""

    def __init__(self) -> None:
        self.elapsed_ms = 0

    def now_ms(self) -> int:
        return 1_700_000_000_000 + self.elapsed_ms

    def monotonic_ms(self) -> int:
        return self.elapsed_ms

    async def sleep_ms(self, duration_ms: int) -> None:
        until_ms = self.elapsed_ms + duration_ms
        await asyncio.sleep(0)  # whoever sleeps beside us sleeps at the same time, not after us
        self.elapsed_ms = max(self.elapsed_ms, until_ms)


class KeySigner:
    """dexroute.ports.Signer that remembers what it signed."""

    def __init__(self) -> None:
        self.keypair = Keypair()
        self.signed: list[Signature] = []

    @property
    def pubkey(self) -> Pubkey:
        return self.keypair.pubkey()

    async def sign(self, message: MessageV0) -> Signature:
        signature = self.keypair.sign_message(to_bytes_versioned(message))
        self.signed.append(signature)
        return signature


@dataclass(kw_only=True)
class Landed:
    slot: int
    order_tag: bytes
    amount_in: int
    amount_out: int
    wallet: Pubkey
    keys: tuple[Pubkey, ...]
    failed: bool


@dataclass(kw_only=True)
class SimulatedChain:
    """The chain itself. `accepts` decides whether a transaction that reaches the leader gets into a block."""

    clock: VirtualClock
    genesis: Hash = field(default_factory=Hash.new_unique)
    accepts: Callable[[bytes], bool] = lambda wire: True
    refuses: bool = False  # the program answers every swap with an error
    skipped_slots: int = 0  # slots without a block: block height is this much lower than the slot
    landed: dict[Signature, Landed] = field(default_factory=dict)
    sends: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    hashes: dict[Hash, int] = field(default_factory=dict)

    @property
    def slot(self) -> int:
        return 1_000 + self.clock.elapsed_ms // SLOT_MS

    def height(self, slot: int) -> int:
        return slot - self.skipped_slots

    def new_blockhash(self) -> BlockhashLifetime:
        blockhash = Hash.new_unique()
        last = self.height(self.slot) + BLOCKHASH_BLOCKS
        self.hashes[blockhash] = last
        return BlockhashLifetime(blockhash=blockhash, last_valid_block_height=last, slot=self.slot)

    def receive(self, wire: bytes) -> None:
        """A transaction reaches the leader: it lands in the next slot, or is dropped without a word."""
        self.sends[wire] += 1
        transaction = VersionedTransaction.from_bytes(wire)
        message, signature = transaction.message, transaction.signatures[0]
        assert signature.verify(message.account_keys[0], to_bytes_versioned(message))
        expired = self.height(self.slot + 1) > self.hashes[message.recent_blockhash]
        if signature in self.landed or expired or not self.accepts(wire):
            return
        body = bytes(message.instructions[-1].data)
        amount_in, amount_out = struct.unpack_from("<QQ", body)
        self.landed[signature] = Landed(
            slot=self.slot + 1,
            order_tag=body[16:],
            amount_in=amount_in,
            amount_out=amount_out,
            wallet=message.account_keys[0],
            keys=tuple(message.account_keys),
            failed=self.refuses,
        )

    def swaps(self, order: Order) -> int:
        """How many times this order really happened."""
        return sum(1 for landed in self.landed.values() if landed.order_tag == order.id.encode() and not landed.failed)


@dataclass(kw_only=True)
class SimulatedNode:
    """dexroute.ports.TransactionSender: one node's view of the chain. `lag` is in slots; `fault` may raise for a method's name."""

    chain: SimulatedChain
    lag: int = 0
    fault: Callable[[str], NetworkError | None] = lambda method: None
    first_slot: int = 0  # what came before is forgotten
    gap: range = range(0)  # slots whose blocks it never saw
    lists_blocks: bool = True
    blind: bool = False  # knows no signature at all
    status_of_all: bool = False  # claims to have seen every signature processed
    heights_ahead: int = 0  # of the chain's own
    eager: bool = False  # shows transactions before they are confirmed

    @property
    def slot(self) -> int:
        return self.chain.slot - self.lag

    def _ask(self, method: str) -> None:
        error = self.fault(method)
        if error is not None:
            raise error

    async def genesis_hash(self) -> Hash:
        self._ask("genesis_hash")
        return self.chain.genesis

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        self._ask("latest_blockhash")
        return self.chain.new_blockhash()

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        self._ask("block_height")
        slot = self.slot - DEPTH[commitment]
        return self.chain.height(slot) + self.heights_ahead, slot

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        self._ask("is_blockhash_valid")
        last = self.chain.hashes.get(blockhash, 0)
        return self.chain.height(self.slot - DEPTH[Commitment.FINALIZED]) <= last

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        raise NotImplementedError

    async def send(self, wire: bytes) -> None:
        self._ask("send")
        self.chain.receive(wire)
        self._ask("sent")

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        self._ask("signature_statuses")
        return self.slot, tuple(self._status(signature) for signature in signatures)

    def _status(self, signature: Signature) -> SignatureStatus | None:
        landed = self.chain.landed.get(signature)
        if self.status_of_all:
            return SignatureStatus(slot=self.slot, commitment=Commitment.PROCESSED, error=None)
        if landed is None or not self.first_slot <= landed.slot <= self.slot or landed.slot in self.gap or self.blind:
            return None
        age = self.slot - landed.slot
        commitment = [level for level, depth in DEPTH.items() if age >= depth][-1]
        return SignatureStatus(slot=landed.slot, commitment=commitment, error=_error(landed))

    async def first_available_slot(self) -> int:
        self._ask("first_available_slot")
        return self.first_slot

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        self._ask("has_blocks")
        until_slot = until_height + self.chain.skipped_slots
        return not any(since_slot <= slot <= until_slot for slot in self.gap) if self.lists_blocks else None

    async def signatures_of(self, address: Pubkey) -> tuple[HistoryEntry, ...]:
        self._ask("signatures_of")
        final = self.slot - DEPTH[Commitment.FINALIZED]
        return tuple(
            HistoryEntry(signature=str(signature), slot=landed.slot, failed=landed.failed)
            for signature, landed in reversed(self.chain.landed.items())
            if landed.wallet == address and landed.slot <= final
        )

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        self._ask("transaction")
        landed = self.chain.landed.get(signature)
        if landed is None or self.slot - landed.slot < (0 if self.eager else DEPTH[Commitment.CONFIRMED]):
            return None
        source, destination, mint_in, mint_out = landed.keys[1:5]
        moved = (0, 0) if landed.failed else (landed.amount_in, landed.amount_out)

        def balances(held_in: int, held_out: int) -> tuple[TokenBalance, ...]:
            return (
                TokenBalance(account=source, mint=mint_in, owner=landed.wallet, amount=held_in),
                TokenBalance(account=destination, mint=mint_out, owner=landed.wallet, amount=held_out),
            )

        count = len(landed.keys)
        return LandedTransaction(
            slot=landed.slot,
            block_time=1_700_000_000,
            error=_error(landed),
            fee_lamports=FEE_LAMPORTS,
            units_consumed=42_000,
            account_keys=landed.keys,
            pre_lamports=(10**9,) * count,
            post_lamports=(10**9 - FEE_LAMPORTS,) + (10**9,) * (count - 1),
            pre_token_balances=balances(10**18, 7),
            post_token_balances=balances(10**18 - moved[0], 7 + moved[1]),
            logs=("Program log: refused",) if landed.failed else (),
        )

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        return ()

    async def rent_exemption(self, data_length: int) -> int:
        return 890_880


def _error(landed: Landed) -> TransactionError | None:
    if not landed.failed:
        return None
    return TransactionError(raw={"InstructionError": [0, {"Custom": 6001}]}, instruction_index=0, custom_code=6001)


@dataclass(kw_only=True)
class SimulatedBuilder:
    """dexroute.engine.execution.OrderBuilder: one B for two A, less what the market slipped (`slips`, one per build, in bps)."""

    slips: list[int] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    routed: int = 0
    built: int = 0

    async def route(self, order: Order) -> RoutedOrder:
        self.routed += 1
        if self.errors:
            raise self.errors.pop(0)
        amount_out = order.request.amount // 2
        limit = amount_out * (10_000 - order.slippage_bps) // 10_000 if order.limit_amount is None else order.limit_amount
        return RoutedOrder(
            route={"legs": []},
            quoted=SwapAmounts(amount_in=order.request.amount, amount_out=amount_out),
            limit_amount=limit,
            plan=amount_out,
        )

    async def build(self, order: Order, routed: RoutedOrder, lifetime: BlockhashLifetime) -> BuiltAttempt:
        self.built += 1
        slip_bps = self.slips.pop(0) if self.slips else 0
        amounts = SwapAmounts(amount_in=order.request.amount, amount_out=routed.plan * (10_000 - slip_bps) // 10_000)
        return BuiltAttempt(message=swap_message(order, amounts, lifetime.blockhash), simulated=amounts, costs=Costs())


def swap_message(order: Order, amounts: SwapAmounts, blockhash: Hash) -> MessageV0:
    """A message the simulated chain understands. Keys: wallet, its two token accounts, the two mints, the program."""
    mints = (order.request.input_mint, order.request.output_mint)
    accounts = [Pubkey.find_program_address([bytes(order.wallet), bytes(mint)], PROGRAM)[0] for mint in mints]
    body = struct.pack("<QQ", amounts.amount_in, amounts.amount_out) + order.id.encode()
    keys = [order.wallet, *accounts, *mints, PROGRAM]
    instruction = CompiledInstruction(program_id_index=5, data=body, accounts=bytes(range(5)))
    return MessageV0(MessageHeader(1, 0, 1), keys, blockhash, [instruction], [])
