"""A journal in memory: dexroute.ports.OrderStore without a database, for runs that must be quick and repeat exactly.

It is held to the same tests as the journal on SQLite and PostgreSQL (tests/storage).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from solders.pubkey import Pubkey

from dexroute.errors import FundsPromised, IdempotencyConflict, IllegalTransition, OrderNotFound, OrderTakenOver, SignatureTaken
from dexroute.storage.rows import order_row
from dexroute.types.orders import (
    Attempt,
    AttemptOutcome,
    Costs,
    EventKind,
    Fill,
    Holder,
    Json,
    LandedAttempt,
    Order,
    OrderEvent,
    OrderState,
    Priority,
    is_legal_move,
)
from dexroute.types.spendings import Spending, SpendingGuard


@dataclass(kw_only=True)
class MemoryStore:
    """`leased` and `now_ms` (the database's own time) make it one that several processes share, as PostgreSQL is. `is_gone` tells
    whether an owner's lock is free: its process is dead, or only its session."""

    leased: bool = False
    now_ms: Callable[[], int] = lambda: 0
    is_gone: Callable[[str], bool] = lambda owner: False
    _orders: dict[str, Order] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    _events: dict[str, list[OrderEvent]] = field(default_factory=dict)
    _fills: dict[str, list[Fill]] = field(default_factory=dict)
    _signatures: dict[str, str] = field(default_factory=dict)
    _notes: dict[str, str] = field(default_factory=dict)
    _leases: dict[str, int] = field(default_factory=dict)
    _promised: Counter[tuple[str, Pubkey, Pubkey]] = field(default_factory=Counter)

    async def place(
        self, order: Order, *, owner: str = "", lease_ms: int | None = None, available: Mapping[Pubkey, int] | None = None
    ) -> tuple[Order, bool]:
        if order.state is not OrderState.PENDING:
            raise IllegalTransition(f"a new order starts as PENDING, not {order.state}", order=order.id)
        if order.key in self._keys:
            known = self._orders[self._keys[order.key]]
            if known.body_hash != order.body_hash:
                raise IdempotencyConflict(f"key {order.key!r} already belongs to order {known.id}", key=order.key, order=known.id)
            return known, False
        self._promise(order, available, asked=True)
        placed = replace(order, event_seq=1, claimed_by=owner)
        self._keys[order.key] = order.id
        self._attempts[order.id], self._events[order.id], self._fills[order.id] = [], [], []
        self._lease(order.id, lease_ms)
        self._record(placed, None, EventKind.PLACED, placed.created_ms, {})
        return placed, True

    async def claim(self, order_id: str, *, owner: str, at_ms: int, lease_ms: int | None = None, only_free: bool = False) -> Order:
        order = await self.order(order_id)
        if not order.is_open:
            return order
        if only_free and self.leased and order.claimed_by != owner and not self._is_free(order_id):
            raise OrderTakenOver(f"order {order_id} is {order.claimed_by}'s until its lease ends", order=order_id)
        return self._claimed(order, owner, at_ms, lease_ms)

    async def take(
        self,
        *,
        owner: str,
        genesis_hash: str,
        at_ms: int,
        limit: int,
        lease_ms: int | None = None,
        busy: Collection[str] = (),
        busy_wallets: Collection[Pubkey] = (),
        wallets: Collection[Pubkey] | None = None,
    ) -> tuple[Order, ...]:
        waiting = [
            order
            for order in self._orders.values()
            if order.is_open
            and not order.settled
            and order.genesis_hash == genesis_hash
            and (not self.leased or order.claimed_by == owner or self._is_free(order.id))
            and order.id not in busy
            and (wallets is None or order.wallet in wallets)
            and order.wallet not in busy_wallets
        ]
        waiting.sort(key=lambda order: (order_row(order)["rank_ms"], order.id))
        return tuple(self._claimed(order, owner, at_ms, lease_ms) for order in waiting[:limit])

    async def renew(self, *, owner: str, lease_ms: int) -> None:
        for order in self._orders.values() if self.leased else ():
            if order.claimed_by == owner and order.is_open and not self._is_free(order.id):
                self._lease(order.id, lease_ms)

    async def let_go(self, order: Order) -> None:
        if self._orders[order.id].fencing == order.fencing:
            self._lease(order.id, None)

    async def alive_as(self, owner: str) -> str:
        return owner

    async def free_dead(self) -> int:
        held = [order for order in self._orders.values() if self.leased and order.is_open and not self._is_free(order.id)]
        owners = dict.fromkeys(order.claimed_by for order in held)
        gone = {owner for owner in owners if self.is_gone(owner)}
        freed = [order for order in held if order.claimed_by in gone]
        for order in freed:
            self._lease(order.id, None)
        return len(freed)

    async def advance(
        self,
        before: Order,
        after: Order,
        kind: EventKind,
        *,
        at_ms: int,
        facts: Json | None = None,
        attempt: Attempt | None = None,
        fill: Fill | None = None,
        withdrawn: Fill | None = None,
        lease_ms: int | None = None,
        guard: SpendingGuard | None = None,
    ) -> tuple[Order, OrderEvent]:
        if after.state is not before.state and (before.settled or not is_legal_move(before.state, after.state)):
            raise IllegalTransition(f"order {before.id} cannot go from {before.state} to {after.state}", order=before.id)
        now = await self.order(before.id)
        if now.fencing != before.fencing:
            raise OrderTakenOver(f"order {before.id} was taken over by {now.claimed_by or 'another'}", order=before.id)
        if now.state is not before.state or now.event_seq != before.event_seq:
            raise IllegalTransition(f"order {before.id} moved on from {before.state} to {now.state}", order=before.id)
        # everything that may refuse comes before anything is written
        if guard is not None:
            guard.check([self._spending(one) for one in self._orders.values() if self._counts(one, before, guard.since_ms)])
        attempts = self._attempts[before.id] if attempt is None else self._with(attempt)
        fills = [one for one in self._fills[before.id] if withdrawn is None or one.attempt_id != withdrawn.attempt_id]
        if fill is not None and any(one.attempt_id == fill.attempt_id for one in fills):
            raise IllegalTransition("the journal refuses this step: that attempt has a fill", order=before.id)
        self._attempts[before.id] = attempts
        self._fills[before.id] = fills if fill is None else [*fills, fill]
        if attempt is not None and attempt.signature is not None:
            self._signatures[attempt.signature] = attempt.id
        updated_ms = before.updated_ms if kind is EventKind.FINALIZED else at_ms
        stored = replace(after, event_seq=before.event_seq + 1, updated_ms=updated_ms)
        self._lease(stored.id, lease_ms if stored.is_open else None)
        if before.is_open and not stored.is_open:
            self._release(stored)
        elif stored.is_open and not before.is_open:
            self._promise(stored, None, asked=False)
        return stored, self._record(stored, before.state, kind, at_ms, facts or {})

    async def known_signatures(self, signatures: Sequence[str]) -> frozenset[str]:
        return frozenset(signature for signature in signatures if signature in self._signatures)

    async def accept_lost(self) -> None:
        """Nothing is ever lost here."""

    async def note(self, name: str, value: str) -> None:
        self._notes[name] = value

    async def replace_note(self, name: str, before: str | None, value: str) -> bool:
        if self._notes.get(name) != before:
            return False
        self._notes[name] = value
        return True

    async def noted(self, name: str) -> str | None:
        return self._notes.get(name)

    async def promised(self, genesis_hash: str, wallet: Pubkey) -> Mapping[Pubkey, int]:
        return {
            mint: total for (genesis, owner, mint), total in self._promised.items() if (genesis, owner) == (genesis_hash, wallet)
        }

    async def counts(self) -> tuple[tuple[OrderState, Priority, bool, int], ...]:
        counted = Counter((order.state, order.priority, order.settled) for order in self._orders.values())
        return tuple((*which, count) for which, count in counted.items())

    async def oldest_open(self) -> Order | None:
        return min((order for order in self._orders.values() if order.is_open), key=lambda order: order.id, default=None)

    async def open_orders(self) -> Mapping[tuple[str, Pubkey], int]:
        return Counter((order.genesis_hash, order.wallet) for order in self._orders.values() if order.is_open)

    async def holders(self) -> tuple[Holder, ...]:
        held: dict[str, list[Order]] = {}
        for order in self._orders.values():
            if order.is_open and order.claimed_by and not (self.leased and self._is_free(order.id)):
                held.setdefault(order.claimed_by, []).append(order)

        def claimed_ms(order: Order) -> int:
            return next(event.at_ms for event in self._events[order.id] if event.fencing == order.fencing)

        return tuple(
            Holder(
                owner=owner,
                orders=len(orders),
                since_ms=min(map(claimed_ms, orders)),
                lease_left_ms=min(self._leases[order.id] for order in orders) - self.now_ms() if self.leased else None,
            )
            for owner, orders in sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))
        )

    async def newest_steps(self, kinds: Collection[EventKind], *, limit: int) -> tuple[OrderEvent, ...]:
        newest = (event for order_id in sorted(self._events, reverse=True) for event in reversed(self._events[order_id]))
        return tuple(islice((event for event in newest if event.kind in kinds), limit))

    async def landed(
        self, genesis_hash: str, *, limit: int, after: LandedAttempt | None = None, above_slot: int | None = None
    ) -> tuple[LandedAttempt, ...]:
        ended = [o for o in self._orders.values() if not o.is_open and not o.settled and o.genesis_hash == genesis_hash]
        found = sorted((one for order in ended for one in self._landed(order)), key=_turn)
        later = [one for one in found if after is None or _turn(one) > _turn(after)]
        return tuple([one for one in later if above_slot is None or one.slot > above_slot][:limit])

    async def finalize(self, landed: Sequence[LandedAttempt], *, at_ms: int) -> tuple[tuple[Order, OrderEvent], ...]:
        settled = []
        for one in sorted(landed, key=lambda one: one.order_id):
            order = self._orders[one.order_id]
            if order.is_open or order.settled or one not in self._landed(order):
                continue
            (number,) = [attempt.number for attempt in self._attempts[order.id] if attempt.signature == one.signature]
            facts = {"attempt": number, "signature": one.signature, "slot": str(one.slot)}
            stored = replace(order, settled=True, event_seq=order.event_seq + 1)
            settled.append((stored, self._record(stored, order.state, EventKind.FINALIZED, at_ms, facts)))
        return tuple(settled)

    def _landed(self, order: Order) -> list[LandedAttempt]:
        return [
            LandedAttempt(
                order_id=order.id,
                rank_ms=order_row(order)["rank_ms"],
                signature=one.signature or "",
                slot=one.slot or 0,
                outcome=one.outcome,
                last_valid_block_height=one.last_valid_block_height,
            )
            for one in self._attempts[order.id]
            if one.outcome in (AttemptOutcome.LANDED, AttemptOutcome.LANDED_WITH_ERROR)
        ]

    async def order(self, order_id: str) -> Order:
        if order_id not in self._orders:
            raise OrderNotFound(f"there is no order {order_id} in this journal", order=order_id)
        return self._orders[order_id]

    async def order_by_key(self, key: str) -> Order | None:
        return self._orders[self._keys[key]] if key in self._keys else None

    async def orders(
        self, *, states: Collection[OrderState] | None = None, limit: int | None = None, before_id: str | None = None
    ) -> tuple[Order, ...]:
        found = [
            order
            for order in self._orders.values()
            if (states is None or order.state in states) and (before_id is None or order.id < before_id)
        ]
        return tuple(sorted(found, key=lambda order: order.id, reverse=True)[:limit])

    async def attempts(self, order_id: str) -> tuple[Attempt, ...]:
        return tuple(sorted(self._attempts.get(order_id, ()), key=lambda attempt: attempt.number))

    async def events(self, order_id: str, *, after_seq: int = 0) -> tuple[OrderEvent, ...]:
        return tuple(event for event in self._events.get(order_id, ()) if event.seq > after_seq)

    async def fills(self, order_id: str) -> tuple[Fill, ...]:
        return tuple(sorted(self._fills.get(order_id, ()), key=lambda fill: fill.slot))

    def _claimed(self, order: Order, owner: str, at_ms: int, lease_ms: int | None) -> Order:
        claimed = replace(order, claimed_by=owner, updated_ms=at_ms, fencing=order.fencing + 1, event_seq=order.event_seq + 1)
        self._lease(order.id, lease_ms)
        self._record(claimed, order.state, EventKind.CLAIMED, at_ms, {"owner": owner})
        return claimed

    def _counts(self, order: Order, other: Order, since_ms: int) -> bool:
        signed_ms = max((one.signed_ms for one in self._attempts[order.id] if one.signed_ms is not None), default=0)
        recent = order.is_open or order.id >= f"{since_ms:012x}" or signed_ms >= since_ms - 600_000
        return recent and (order.genesis_hash, order.wallet) == (other.genesis_hash, other.wallet)

    def _spending(self, order: Order) -> Spending:
        alive = next((one for one in self._attempts[order.id] if one.is_live), None)
        return Spending(order=order, reserved=None if alive is None else alive.expected_costs or Costs())

    def _record(self, order: Order, before: OrderState | None, kind: EventKind, at_ms: int, facts: Json) -> OrderEvent:
        event = OrderEvent(
            order_id=order.id,
            seq=order.event_seq,
            kind=kind,
            before=before,
            after=order.state,
            fencing=order.fencing,
            at_ms=at_ms,
            facts=json.loads(json.dumps(facts)),
        )
        self._orders[order.id] = order
        self._events[order.id].append(event)
        return event

    def _with(self, attempt: Attempt) -> list[Attempt]:
        """The order's attempts with this one, as the database's constraints and `keep_attempt` allow it."""
        others = [one for one in self._attempts[attempt.order_id] if one.id != attempt.id]
        known = next((one for one in self._attempts[attempt.order_id] if one.id == attempt.id), None)
        if known is not None:
            fixed: tuple[str, ...] = ("order_id", "number", "message", "blockhash", "last_valid_block_height")
            fixed += ("signature", "wire") if known.signature is not None else ()
            changed = [name for name in fixed if getattr(known, name) != getattr(attempt, name)]
            dropped_by_fork = known.outcome is AttemptOutcome.LANDED_WITH_ERROR and attempt.is_live and attempt.outcome is None
            if changed or (known.dead_at is not None and not dropped_by_fork):
                raise IllegalTransition(
                    f"attempt {attempt.number} is {'dead' if known.dead_at else 'fixed'}: it cannot change any more"
                )
        if attempt.is_live and any(one.is_live for one in others):
            raise IllegalTransition("the journal refuses this step: the order already has a live attempt")
        if any(one.number == attempt.number for one in others):
            raise IllegalTransition("the journal refuses this step: the order already has an attempt with this number")
        if attempt.signature is not None and self._signatures.get(attempt.signature, attempt.id) != attempt.id:
            raise SignatureTaken("the journal refuses this step: another attempt has that signature")
        return [*others, attempt]

    def _lease(self, order_id: str, lease_ms: int | None) -> None:
        if self.leased and lease_ms is not None:
            self._leases[order_id] = self.now_ms() + lease_ms
        else:
            self._leases.pop(order_id, None)

    def _is_free(self, order_id: str) -> bool:
        return self._leases.get(order_id, 0) <= self.now_ms()

    def _promise(self, order: Order, available: Mapping[Pubkey, int] | None, *, asked: bool) -> None:
        for promise in order.promised if asked else ():
            others = self._promised[order.genesis_hash, order.wallet, promise.mint]
            held = None if available is None else available.get(promise.mint, 0)
            if others and (held is None or others + promise.amount > held):
                raise FundsPromised(f"order {order.id} needs {promise.amount} of {promise.mint}, others promise {others}")
        for promise in order.promised:
            self._promised[order.genesis_hash, order.wallet, promise.mint] += promise.amount

    def _release(self, order: Order) -> None:
        for promise in order.promised:
            which = (order.genesis_hash, order.wallet, promise.mint)
            self._promised[which] = max(0, self._promised[which] - promise.amount)


def _turn(landed: LandedAttempt) -> tuple[int, str]:
    return landed.rank_ms, landed.order_id
