"""The executor: orders in, truth out. One loop over states serves the happy path, a restart, and a cancel alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from random import random
from weakref import WeakValueDictionary

from solders.pubkey import Pubkey

from dexroute.config.failpoint import failpoint_wanted
from dexroute.engine.execution import failpoints
from dexroute.engine.execution.builder import OrderBuilder
from dexroute.engine.execution.claim import Claim, EventWatcher
from dexroute.engine.execution.intake import check_cluster
from dexroute.engine.execution.landing import Landing
from dexroute.engine.execution.looking_back import LookingBack
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.preparation import Preparation
from dexroute.engine.execution.restored import RestoreGuard
from dexroute.engine.execution.settlement import Settlement
from dexroute.engine.execution.signing import SignerOf, unsigned_as_dead
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import DexError, FundsPromised, IllegalTransition, OrderTakenOver, OutcomeUnknown
from dexroute.ports import Clock, LandingHints, OrderStore, TransactionRoute, TransactionSender
from dexroute.types.orders import EventKind, Order, OrderState

FundsReader = Callable[[Order], Awaitable[Mapping[Pubkey, int]]]
"""What the order's wallet holds now, base units per mint (lamports of the native mint)."""


class Executor:
    """Carries out orders of one cluster, exactly once each.

    `senders` are all sent to and are all witnesses of a death; `routes` are sent to as well and asked nothing; `hints` say when to
    look early. `cluster` gives blockhashes and the cluster's name (the first sender without it). `signer_of` gives the key of an
    order's wallet, asked when there is something to sign. `screening` is the policy a message must pass to be signed. `owner` names
    this worker in the journal; no two alive share one. `watcher` hears of every event once it is durable. `funds` looks at a wallet
    when more than one open order counts on its coins; without it such an order is refused.
    """

    def __init__(
        self,
        *,
        store: OrderStore,
        senders: Sequence[TransactionSender],
        signer_of: SignerOf,
        builder: OrderBuilder,
        clock: Clock,
        owner: str,
        policy: ExecutionPolicy | None = None,
        watcher: EventWatcher | None = None,
        routes: Sequence[TransactionRoute] = (),
        hints: LandingHints | None = None,
        cluster: TransactionSender | None = None,
        funds: FundsReader | None = None,
        screening: SigningPolicy | None = None,
        random: Callable[[], float] = random,
    ) -> None:
        if (failpoint := failpoint_wanted()) is not None:
            failpoints.arm(failpoint)
        self.policy = policy or ExecutionPolicy()
        self.store = store
        self._senders = tuple(senders)
        self._cluster = cluster or senders[0]
        self.clock = clock
        self.random = random
        self._owner = owner
        self._watcher = watcher
        self._funds = funds
        self._restored = RestoreGuard(store, self._senders)
        self._preparation = Preparation(self._cluster, signer_of, builder, clock, self.policy, random, screening)
        self._settlement = Settlement(Landing(senders, clock, self.policy, routes, hints), clock, self.policy)
        self._looking_back = LookingBack(store, self._senders, clock, self.policy, watcher)
        self._genesis_hash: str | None = None
        self._at_work: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._driven: Counter[str] = Counter()
        self._beating: asyncio.Task[None] | None = None

    async def execute(self, order: Order, *, wait_ms: int | None = None) -> Order:
        """Record `order` (or find the one under its key) and carry it out. Returns it CONFIRMED, FAILED or CANCELLED.

        Raises IdempotencyConflict; OutcomeUnknown when `wait_ms` pass before the truth is known (the order stays open, `resume`
        goes on with it); DatabaseError when the order is another cluster's; and what the journal raises.
        """
        until_ms = self._deadline(wait_ms)
        placed, is_new = await self.place(order, claimed=True)
        return await self._work(placed.id, until_ms, placed if is_new else None)

    async def place(self, order: Order, *, claimed: bool = False) -> tuple[Order, bool]:
        """Record `order`, or find the one under its key, and leave it for later unless `claimed`. (order, whether it is new).

        Raises IdempotencyConflict, FundsPromised, DatabaseError when it is another cluster's, and what the journal raises.
        """
        check_cluster(order, await self._cluster_name())
        if not await self._restored.is_clear() and await self.store.order_by_key(order.key) is None:
            await self._restored.check(order, is_new=True)
        owner, lease_ms = (await self._alive_as(), self.policy.lease_ms) if claimed else ("", None)
        available = None
        for look in (self._funds, None):
            try:
                with failpoints.commit(EventKind.PLACED):
                    return await self.store.place(order, owner=owner, lease_ms=lease_ms, available=available)
            except FundsPromised:
                # the wallet is looked at only when another order counts on the same coins
                if look is None or await self.store.order_by_key(order.key) is not None:
                    raise
                available = await look(order)
        raise AssertionError("unreachable")

    async def take(
        self,
        *,
        limit: int,
        busy: Collection[str] = (),
        busy_wallets: Collection[Pubkey] = (),
        wallets: Collection[Pubkey] | None = None,
    ) -> tuple[Order, ...]:
        """Claim the next open orders in turn that nobody works on (of `wallets` only, if given), for `carry_on`. Raises what the
        journal raises."""
        genesis_hash, owner = await self._cluster_name(), await self._alive_as()
        with failpoints.commit(EventKind.CLAIMED):
            return await self.store.take(
                owner=owner,
                genesis_hash=genesis_hash,
                at_ms=self.clock.now_ms(),
                limit=limit,
                lease_ms=self.policy.lease_ms,
                busy={*busy, *self._driven},
                busy_wallets=busy_wallets,
                wallets=wallets,
            )

    async def free_dead(self) -> int:
        """Free the orders of workers that are provably dead, for `take`. How many. Raises what the journal raises."""
        if not self.store.leased:
            return 0
        await self._alive_as()  # who is not known to live himself concludes nothing
        return await self.store.free_dead()

    async def carry_on(self, order: Order, *, wait_ms: int | None = None) -> Order:
        """Go on with an order that `take` claimed. Raises like `continue_order`."""
        until_ms = self._deadline(wait_ms)
        async with self._at_work.setdefault(order.id, asyncio.Lock()):
            return await self._drive(self._holding(order), until_ms)

    async def settle(self) -> tuple[Order, ...]:
        """One look at what landed and is not final yet, as far as it can have changed since the last. Returns the orders a fork
        took back: they are SUBMITTED again, and `continue_order` goes on with them. A node that does not answer leaves all as it
        is."""
        return await self._looking_back.run(await self._cluster_name())

    async def continue_order(self, order_id: str, *, wait_ms: int | None = None) -> Order:
        """Take up an order wherever it stands: what a start after a crash does with every open one. Raises like `execute`, and
        OrderNotFound."""
        order = await self.store.order(order_id)
        if order.is_open:
            check_cluster(order, await self._cluster_name())
        return await self._work(order_id, self._deadline(wait_ms), None)

    async def cancel(self, order_id: str, *, wait_ms: int | None = None) -> Order:
        """Give up an order. Before a signature it is CANCELLED at once. After one, sending stops and the truth is waited for:
        the order comes back CANCELLED, or CONFIRMED or FAILED when it landed first; OutcomeUnknown when that is not known
        within `wait_ms`.

        Raises IllegalTransition for an order that has already ended otherwise.
        """
        until_ms = self._deadline(wait_ms)
        order = await self.store.order(order_id)
        while order.is_open:
            # a new claim shuts out whoever works on the order now: nothing can be signed behind our back
            claim = await self._claim(order_id)
            try:
                if claim.order.state is not OrderState.SUBMITTED and claim.order.is_open:
                    unsigned = await unsigned_as_dead(claim, self.clock)
                    await claim.step(EventKind.CANCELLED, to=OrderState.CANCELLED, attempt=unsigned)
                    return claim.order
                if claim.order.state is OrderState.SUBMITTED:
                    check_cluster(claim.order, await self._cluster_name())
                    if claim.order.cancel_requested_ms is None:
                        await claim.step(EventKind.CANCEL_REQUESTED, cancel_requested_ms=self.clock.now_ms())
                    return await self._drive(claim, until_ms)
                order = claim.order
            except OrderTakenOver:
                order = await self.store.order(order_id)
        if order.state is OrderState.CANCELLED:
            return order
        raise IllegalTransition(f"order {order_id} is {order.state} already: there is nothing to cancel", order=order_id)

    async def _work(self, order_id: str, until_ms: int, fresh: Order | None) -> Order:
        lock = self._at_work.setdefault(order_id, asyncio.Lock())
        async with lock:
            # a fresh order is ours by its placing; any other must be claimed, and may have ended while we waited
            order = fresh or await self.store.order(order_id)
            if not order.is_open:
                return order
            if fresh:
                claim = self._holding(fresh, is_new=True)
            elif (waited := await self._claim_free(order_id, until_ms)) is None:
                return await self.store.order(order_id)
            else:
                claim = waited
            return await self._drive(claim, until_ms)

    async def _claim_free(self, order_id: str, until_ms: int) -> Claim | None:
        """A claim once no other worker's lease holds; None when the order ended meanwhile."""
        while True:
            try:
                claim = await self._claim(order_id, only_free=True)
                return claim if claim.order.is_open else None
            except OrderTakenOver:
                if self.clock.monotonic_ms() >= until_ms:
                    raise
                with suppress(DexError):
                    await self.free_dead()
                await self.clock.sleep_ms(self.policy.poll_ms)

    async def _alive_as(self) -> str:
        self._owner = await self.store.alive_as(self._owner)
        return self._owner

    async def _drive(self, claim: Claim, until_ms: int) -> Order:
        """The loop over states."""
        self._driven[claim.order.id] += 1
        if self.store.leased and self._beating is None:
            self._beating = asyncio.create_task(self._beat())
        try:
            while claim.order.is_open:
                if claim.order.state is not OrderState.SUBMITTED:
                    await self._restored.check(claim.order, is_new=claim.is_new)
                    await self._preparation.run(claim)
                elif not await self._settlement.run(claim, until_ms=until_ms):
                    return await self._watch(claim.order.id, until_ms)
                elif claim.order.is_open and self.clock.monotonic_ms() >= until_ms:
                    raise await self._unknown(claim.order)  # nobody waits any more: a replacement is for `resume` to sign
        except OrderTakenOver:
            return await self._watch(claim.order.id, until_ms)
        finally:
            self._driven[claim.order.id] -= 1
            self._driven += Counter()  # drops what is at zero
            if claim.order.is_open:
                with suppress(DexError):
                    await self.store.let_go(claim.order)
        return claim.order

    async def _beat(self) -> None:
        """Prolong this worker's leases while it has orders. A beat that fails is tried again; when none succeeds for long enough,
        the orders are another's, and every commit of ours is refused."""
        while self._driven:
            await self.clock.sleep_ms(self.policy.lease_ms // 3)
            with suppress(DexError):
                await self.store.renew(owner=self._owner, lease_ms=self.policy.lease_ms)
        self._beating = None

    async def _watch(self, order_id: str, until_ms: int) -> Order:
        """Wait for what another claim makes of the order."""
        while (order := await self.store.order(order_id)).is_open:
            if self.clock.monotonic_ms() >= until_ms:
                raise await self._unknown(order)
            await self.clock.sleep_ms(self.policy.poll_ms)
        return order

    async def _unknown(self, order: Order) -> OutcomeUnknown:
        signatures = [attempt.signature for attempt in await self.store.attempts(order.id) if attempt.is_live and attempt.signature]
        remark = self._settlement.landing.remark(signatures[0]) if signatures else None
        return OutcomeUnknown(
            f"order {order.id} is {order.state} and its outcome is not known yet"
            + (f": transaction {signatures[0]} may still land" if signatures else "")
            + (f"; {remark}" if remark else "")
            + ". Do not swap again; `dex orders resume` finds out",
            order=order.id,
            state=str(order.state),
            signature=signatures[0] if signatures else None,
            remark=remark,
        )

    async def _claim(self, order_id: str, *, only_free: bool = False) -> Claim:
        owner = await self._alive_as()
        with failpoints.commit(EventKind.CLAIMED):
            order = await self.store.claim(
                order_id, owner=owner, at_ms=self.clock.now_ms(), lease_ms=self.policy.lease_ms, only_free=only_free
            )
        return self._holding(order)

    def _holding(self, order: Order, *, is_new: bool = False) -> Claim:
        return Claim(self.store, self.clock, order, self._watcher, lease_ms=self.policy.lease_ms, is_new=is_new)

    async def _cluster_name(self) -> str:
        if self._genesis_hash is None:
            self._genesis_hash = str(await self._cluster.genesis_hash())
        return self._genesis_hash

    def _deadline(self, wait_ms: int | None) -> int:
        return self.clock.monotonic_ms() + (self.policy.wait_ms if wait_ms is None else wait_ms)
