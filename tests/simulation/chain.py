"""A chain that forks: blocks with parents, balances in every block, and leaders that include transactions late, or never.

A fork drops the last blocks, confirmed ones too, but never what is finalized. What they held may land again in another block and
with another outcome. Transactions on one fork land at most once, within the lifetime of their blockhash, as on the real chain.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from solders.hash import Hash
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.types.chain import LandedTransaction, TokenBalance, TransactionError
from tests.engine.simulated_chain import FEE_LAMPORTS
from tests.simulation.trace import Trace
from tests.simulation.weather import Weather

RENT_LAMPORTS = 2_039_280
RATE = 1_000_000
"""Of the market: base units of B for so many of A."""
CONFIRMED_DEPTH = 2
FEW_A = 1_500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the wallet has: lamports, base units of A and B, and whether its account of B is open."""

    lamports: int
    a: int
    b: int
    opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A transaction in a block."""

    message: MessageV0
    before: Holdings
    after: Holdings
    refused: int | None  # the program's error code

    @property
    def order_id(self) -> str:
        return bytes(self.message.instructions[-1].data)[16:].decode()


@dataclass(slots=True, kw_only=True, eq=False)
class Block:
    slot: int
    height: int
    parent: Block | None
    hash: Hash
    rate: int
    holdings: Holdings
    executed: dict[Signature, Executed] = field(default_factory=dict)
    rooted: bool = False

    def back(self, count: int) -> Block:
        """The ancestor `count` blocks before, or the first block."""
        block = self
        while count > 0 and block.parent is not None:
            block, count = block.parent, count - 1
        return block

    def chain(self) -> Iterator[Block]:
        """This block and those before it."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """Bytes a leader holds."""

    signature: Signature
    message: MessageV0
    not_before: int  # slot


class Chain:
    """`tip` is the end of the canonical fork. `produce` makes one slot; `receive` hands bytes to the leaders."""

    def __init__(self, weather: Weather, random: Random, trace: Trace) -> None:
        self._weather = weather
        self._random = random
        self._trace = trace
        self._hashes = 0
        self.troubled = True
        few = weather.scarce
        start = Holdings(lamports=10**10, a=FEW_A if few else 10**12, b=0, opened=False)
        self.genesis = self._new_hash()
        self.tip = Block(slot=1_000, height=700, parent=None, hash=self._new_hash(), rate=RATE // 2, holdings=start, rooted=True)
        self.root = self.tip
        self.start = start
        self.slot = self.tip.slot
        self.lifetimes: dict[Hash, int] = {self.tip.hash: self.tip.height + weather.lifetime}
        self.received: dict[bytes, int] = {}
        self._waiting: dict[Signature, _Waiting] = {}
        self._seen_in: dict[Signature, list[Block]] = {}
        self._rooted = {self.tip.height: self.tip}
        self._doomed: list[tuple[int, Block]] = []  # a height to be reached, and the block that is dropped with its fork then
        self._hidden: list[tuple[int, int, _Waiting]] = []  # the same for bytes past their last height, that then land after all
        self.tips = [self.tip]  # one for every slot: what a node that is behind still takes for the tip

    def _new_hash(self) -> Hash:
        self._hashes += 1
        return Hash(hashlib.sha256(b"block %d" % self._hashes).digest())

    def receive(self, wire: bytes) -> None:
        """A leader gets the bytes: it holds them until they land, can land no more, or it drops them without a word."""
        self.received[wire] = self.received.get(wire, 0) + 1
        transaction = VersionedTransaction.from_bytes(wire)
        message, signature = transaction.message, transaction.signatures[0]
        assert isinstance(message, MessageV0)
        if self.received[wire] == 1:
            assert signature.verify(message.account_keys[0], to_bytes_versioned(message))
        if signature in self._waiting or any(waiting.signature == signature for _, _, waiting in self._hidden):
            return
        if self.troubled and self._random.random() < self._weather.chance("never"):
            self._trace.fault("never", "the leader drops %s", signature)
            return
        last = self.lifetimes.get(message.recent_blockhash, -1)
        if self.troubled and self._random.random() < self._weather.chance("fork_at_expiry"):
            waiting = _Waiting(signature=signature, message=message, not_before=self.slot)
            self._hidden.append((last + self._weather.finality - self._random.randint(1, 2), last, waiting))
            return
        late = 0
        if self.troubled and self._random.random() < self._weather.chance("late"):
            late = self._random.randint(1, self._weather.lifetime)
            self._trace.fault("late", "the leader holds %s back for %d slots", signature, late)
        self._waiting[signature] = _Waiting(signature=signature, message=message, not_before=self.slot + late)

    def produce(self) -> None:
        """The next slot: a block, or none, perhaps after a fork."""
        self.slot += 1
        self._produce()
        self.tips.append(self.tip)

    def _produce(self) -> None:
        if self.troubled and self._random.random() < self._weather.chance("skipped_slot"):
            self._trace.fault("skipped_slot")
            return
        if self.troubled:
            self._maybe_fork()
        parent = self.tip
        rate = parent.rate
        if self._weather.market_bps and self.troubled:
            rate = max(rate * (10_000 + self._random.randint(-self._weather.market_bps, self._weather.market_bps)) // 10_000, 1)
        block = Block(
            slot=self.slot,
            height=parent.height + 1,
            parent=parent,
            hash=self._new_hash(),
            rate=rate,
            holdings=parent.holdings,
        )
        self.lifetimes[block.hash] = block.height + self._weather.lifetime
        self.tip = block
        if self._waiting:
            self._fill(block)
        newest_root = block.back(self._weather.finality)
        if newest_root.height > self.root.height:
            self.root = newest_root
            newest_root.rooted = True
            self._rooted[newest_root.height] = newest_root

    def _maybe_fork(self) -> None:
        """Small forks at any time; deep ones where it hurts, some blocks after one that holds a transaction."""
        due = [block for height, block in self._doomed if height <= self.tip.height]
        self._doomed = [(height, block) for height, block in self._doomed if height > self.tip.height]
        for block in due:
            if block.height > self.root.height and self.at(self.tip, block.height) is block:
                self._drop(self.tip.height - block.height + 1)
        for height, last, waiting in [hidden for hidden in self._hidden if hidden[0] <= self.tip.height]:
            self._hidden.remove((height, last, waiting))
            if self.root.height < last and self._drop(self.tip.height - last + 1):
                self._trace.fault("fork_at_expiry", "%s may land again", waiting.signature)
                self._waiting[waiting.signature] = waiting
        if not due and self._random.random() < self._weather.chance("fork"):
            self._drop(1)

    def _drop(self, depth: int) -> bool:
        """The last `depth` blocks are on a fork that lost; not if one of them is finalized."""
        if depth > self.tip.height - self.root.height:
            return False
        dropped = list(zip(range(depth), self.tip.chain(), strict=False))
        confirmed = any(block.executed for number, block in dropped if number >= CONFIRMED_DEPTH)
        self._trace.fault("fork_of_confirmed" if confirmed else "fork", "the last %d blocks are dropped", depth)
        self.tip = self.tip.back(depth)
        for _, block in reversed(dropped):
            for signature, executed in block.executed.items():
                if self._random.random() < 0.7:  # a leader of the new fork has the bytes as well
                    later = self.slot + self._random.randint(0, self._weather.finality)
                    self._waiting[signature] = _Waiting(signature=signature, message=executed.message, not_before=later)
        return True

    def _fill(self, block: Block) -> None:
        ready = [one for one in self._waiting.values() if one.not_before <= block.slot]
        for one in ready:
            del self._waiting[one.signature]
            if block.height <= self.lifetimes.get(one.message.recent_blockhash, -1) and self._can_land(one, block):
                self._execute(one, block)

    def _can_land(self, one: _Waiting, block: Block) -> bool:
        """On this fork: its blockhash is known, and it has not landed before."""
        parent = block.parent
        known = False
        while parent is not None and parent.height >= block.height - self._weather.lifetime - 2:
            if one.signature in parent.executed:
                return False
            known = known or parent.hash == one.message.recent_blockhash
            parent = parent.parent
        return known

    def _execute(self, one: _Waiting, block: Block) -> None:
        before = block.holdings
        amount_in, least_out = struct.unpack_from("<QQ", bytes(one.message.instructions[-1].data))
        amount_out = amount_in * block.rate // RATE
        refused: int | None = None
        if amount_out < least_out:
            refused = 6001
        elif before.a < amount_in:
            refused = 1
        elif self.troubled and self._random.random() < self._weather.chance("reordered_outcome") * 0.5:
            self._trace.fault("reordered_outcome")
            refused = 6001  # another swap came first
        lamports = before.lamports - FEE_LAMPORTS
        if refused is not None:
            after = Holdings(lamports=lamports, a=before.a, b=before.b, opened=before.opened)
        else:
            rent = 0 if before.opened else RENT_LAMPORTS
            after = Holdings(lamports=lamports - rent, a=before.a - amount_in, b=before.b + amount_out, opened=True)
        executed = Executed(message=one.message, before=before, after=after, refused=refused)
        block.executed[one.signature] = executed
        block.holdings = after
        self._seen_in.setdefault(one.signature, []).append(block)
        if self.troubled and self._random.random() < self._weather.chance("fork_of_confirmed"):
            self._doomed.append((block.height + self._random.randint(CONFIRMED_DEPTH, self._weather.finality - 1), block))
        self._trace.note("%s lands at slot %d (refused: %s)", one.signature, block.slot, refused)

    def find(self, signature: Signature, tip: Block) -> tuple[Block, Executed] | None:
        """Where a transaction landed on the fork that ends with `tip`."""
        for block in self._seen_in.get(signature, ()):
            if block.height <= tip.height and self.at(tip, block.height) is block:
                return block, block.executed[signature]
        return None

    def at(self, tip: Block, height: int) -> Block:
        """The block at a height of the fork that ends with `tip`."""
        while tip.height > height and not tip.rooted:
            assert tip.parent is not None
            tip = tip.parent
        return tip if tip.height <= height else self._rooted[height]

    @property
    def idle(self) -> bool:
        """Whether nothing that was handed in can still land."""
        return not self._waiting


def shown(block: Block, executed: Executed) -> LandedTransaction:
    """As a node tells it."""
    wallet, account_a, account_b, mint_a, mint_b, program = executed.message.account_keys

    def lamports(holdings: Holdings) -> tuple[int, ...]:
        return (holdings.lamports, RENT_LAMPORTS, RENT_LAMPORTS if holdings.opened else 0, 1, 1, 1)

    def tokens(holdings: Holdings) -> tuple[TokenBalance, ...]:
        held = [TokenBalance(account=account_a, mint=mint_a, owner=wallet, amount=holdings.a)]
        if holdings.opened:
            held.append(TokenBalance(account=account_b, mint=mint_b, owner=wallet, amount=holdings.b))
        return tuple(held)

    return LandedTransaction(
        slot=block.slot,
        block_time=1_700_000_000 + block.slot,
        error=error_of(executed),
        fee_lamports=FEE_LAMPORTS,
        units_consumed=42_000,
        account_keys=(wallet, account_a, account_b, mint_a, mint_b, program),
        pre_lamports=lamports(executed.before),
        post_lamports=lamports(executed.after),
        pre_token_balances=tokens(executed.before),
        post_token_balances=tokens(executed.after),
        logs=(),
    )


def error_of(executed: Executed) -> TransactionError | None:
    if executed.refused is None:
        return None
    raw = {"InstructionError": [0, {"Custom": executed.refused}]}
    return TransactionError(raw=raw, instruction_index=0, custom_code=executed.refused)


def wallet_of(executed: Executed) -> Pubkey:
    return executed.message.account_keys[0]
