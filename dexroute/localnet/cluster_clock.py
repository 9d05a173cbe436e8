"""Slots, block heights and epochs from elapsed time.

A cluster does not stop because nobody looks: slots go on while no process has the data directory open, so a transaction
signed before a crash expires as it would anywhere, and fees that decay with time have decayed. Slots are derived, never
counted: nothing ticks in the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.ports import Clock
from dexroute.types.accounts import ChainClock
from dexroute.types.chain import Commitment

TICKS_PER_SECOND: Final = 160  # solana-clock: DEFAULT_TICKS_PER_SECOND
DEFAULT_TICKS_PER_SLOT: Final = 64
DEFAULT_SLOTS_PER_EPOCH: Final = 432_000
CONFIRMED_LAG_SLOTS: Final = 1
FINALIZED_LAG_SLOTS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From `slot` on, one block every slot, counted from `start_ms` (cluster time). A warp begins a new stretch."""

    slot: int
    height: int
    start_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A block: the cluster as one commitment level sees it."""

    slot: int
    height: int


class ClusterClock:
    """Cluster time is host time plus an offset that keeps it from ever going back, across restarts too."""

    def __init__(
        self,
        host: Clock,
        *,
        stretches: tuple[Stretch, ...] = (),
        last_seen_ms: int = 0,
        ticks_per_slot: int = DEFAULT_TICKS_PER_SLOT,
        slots_per_epoch: int = DEFAULT_SLOTS_PER_EPOCH,
    ) -> None:
        self._host = host
        self._opened_ms = max(host.now_ms(), last_seen_ms)
        self._opened_monotonic_ms = host.monotonic_ms()
        self.ticks_per_slot = ticks_per_slot
        self.slots_per_epoch = slots_per_epoch
        # The genesis block is slot 0; the first slot that takes transactions is 1.
        self.stretches = stretches or (Stretch(slot=1, height=1, start_ms=self._opened_ms),)

    def now_ms(self) -> int:
        """Cluster time, Unix milliseconds."""
        return self._opened_ms + self._host.monotonic_ms() - self._opened_monotonic_ms

    def tip(self) -> Moment:
        """The block being made now: what `processed` sees."""
        stretch = self.stretches[-1]
        passed = self._slots_in(self.now_ms() - stretch.start_ms)
        return Moment(slot=stretch.slot + passed, height=stretch.height + passed)

    def at(self, commitment: Commitment) -> Moment:
        """The newest block at this commitment."""
        tip = self.tip()
        if commitment is Commitment.PROCESSED:
            return tip
        lag = CONFIRMED_LAG_SLOTS if commitment is Commitment.CONFIRMED else FINALIZED_LAG_SLOTS
        return self.moment_of_height(max(0, tip.height - lag))

    def commitment_of(self, slot: int) -> Commitment:
        """How final a block of this slot is by now."""
        if slot <= self.at(Commitment.FINALIZED).slot:
            return Commitment.FINALIZED
        return Commitment.CONFIRMED if slot <= self.at(Commitment.CONFIRMED).slot else Commitment.PROCESSED

    def moment_of_height(self, height: int) -> Moment:
        for stretch in reversed(self.stretches):
            if height >= stretch.height:
                return Moment(slot=stretch.slot + height - stretch.height, height=height)
        return Moment(slot=0, height=0)

    def height_of(self, slot: int) -> int | None:
        """The block height of a slot; None when the slot was skipped (a warp jumped over it) or is still to come."""
        if slot == 0:
            return 0
        if slot > self.tip().slot:
            return None
        for index, stretch in enumerate(self.stretches):
            end = self.stretches[index + 1].height if index + 1 < len(self.stretches) else None
            height = stretch.height + slot - stretch.slot
            if slot >= stretch.slot and (end is None or height < end):
                return height
        return None

    def block_time(self, slot: int) -> int:
        """Unix seconds at which the slot began."""
        for stretch in reversed(self.stretches):
            if slot >= stretch.slot:
                return (stretch.start_ms + (slot - stretch.slot) * self.ticks_per_slot * 1000 // TICKS_PER_SECOND) // 1000
        return self.stretches[0].start_ms // 1000

    def sysvar(self, slot: int) -> ChainClock:
        """The clock sysvar in a slot."""
        return ChainClock(slot=slot, epoch=slot // self.slots_per_epoch, unix_timestamp=self.block_time(slot))

    def ms_until_next_slot(self) -> int:
        stretch = self.stretches[-1]
        elapsed = self.now_ms() - stretch.start_ms
        next_slot_ms = -(-(self._slots_in(elapsed) + 1) * self.ticks_per_slot * 1000 // TICKS_PER_SECOND)
        return max(1, next_slot_ms - elapsed)

    def warp(self, slot: int) -> None:
        """Jump to a later slot; the slots between are skipped and block height goes up by one."""
        tip = self.tip()
        if slot <= tip.slot:
            return
        self.stretches = (*self.stretches, Stretch(slot=slot, height=tip.height + 1, start_ms=self.now_ms()))

    def _slots_in(self, elapsed_ms: int) -> int:
        return elapsed_ms * TICKS_PER_SECOND // (1000 * self.ticks_per_slot)
