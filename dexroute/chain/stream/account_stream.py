"""Accounts kept current by a node's WebSocket while a process stays up: an `AccountCache` that follows what it is given to keep.

It is a hint, never a need: while it is down, silent or behind, `latest` has nothing young enough and quotes read as ever. After a
gap nothing is known until it is read again, at a slot the new subscriptions have reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from solders.pubkey import Pubkey

from dexroute.chain.cache.memory import set_key
from dexroute.chain.cache.slot_age import SlotObserved, age_slots
from dexroute.chain.stream.followed import FollowedAccounts
from dexroute.chain.stream.session import StreamPace, StreamSession
from dexroute.chain.stream.socket import open_socket
from dexroute.config import redact_url
from dexroute.errors import CacheUnavailable, DexError
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.ports import AccountReader, Clock
from dexroute.types.chain import AccountsAtSlot, AccountSource, Commitment, KeptAccounts

MOST_ACCOUNTS: Final = 900  # nodes allow about a thousand subscriptions a connection
_MOST_BROKEN: Final = 3  # times a stream may break its own order before it is given up
_STEADY_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """`state`: connecting, live, waiting to connect again, or off for good (`reason`). `slot` is the slot accounts are complete
    for; `accounts` are followed; `connections` were opened so far."""

    endpoint: str
    state: Literal["connecting", "live", "waiting", "off"]
    slot: int | None
    accounts: int
    connections: int
    reason: str | None


class AccountStream:
    """Follows accounts over `urls` (ws or wss), one at a time, the next after a failure; baselines are read through `reader`.
    Use as `async with`."""

    def __init__(
        self,
        urls: Sequence[str],
        reader: AccountReader,
        clock: Clock,
        *,
        commitment: Commitment = Commitment.CONFIRMED,
        most_accounts: int = MOST_ACCOUNTS,
        pace: StreamPace | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if commitment is Commitment.PROCESSED:
            raise ValueError("what is only processed may be undone; a stream follows confirmed or finalized accounts")
        self._urls = list(urls)
        self._url = self._urls[0]
        self._reader = reader
        self._clock = clock
        self._commitment = commitment
        self._most_accounts = most_accounts
        self._pace = pace or StreamPace()
        self._chance = chance
        self._sets: OrderedDict[bytes, frozenset[Pubkey]] = OrderedDict()
        self._wanted: frozenset[Pubkey] = frozenset()
        self._changed = asyncio.Event()
        self._followed = FollowedAccounts()
        self._session: StreamSession | None = None
        self._state: Literal["connecting", "live", "waiting", "off"] = "connecting"
        self._reason: str | None = None
        self._connections = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="account stream")
        return self

    async def __aexit__(self, *_: object) -> None:
        # A task group whose member fails just now swallows the cancellation; the flag is not swallowed.
        self._closing = True
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def status(self) -> StreamStatus:
        return StreamStatus(
            endpoint=redact_url(self._url),
            state=self._state,
            slot=self._followed.as_of,
            accounts=len(self._wanted),
            connections=self._connections,
            reason=self._reason,
        )

    # AccountCache

    async def latest(self, pools: Collection[Pubkey]) -> KeptAccounts | None:
        if self._state in ("waiting", "off"):
            raise CacheUnavailable(f"accounts are read, not streamed: {self._reason}", endpoint=redact_url(self._url))
        key = set_key(pools)
        addresses = self._sets.get(key)
        if addresses is None or self._session is None or self._followed.clock_slot is None:
            return None
        self._sets.move_to_end(key)
        found = self._followed.snapshot(addresses)
        if found is None:
            return None
        tip = SlotObserved(slot=self._followed.clock_slot, at_ms=self._session.clock_ms)
        age = age_slots(found.slot, tip, self._clock.monotonic_ms())
        return KeptAccounts(slot=found.slot, accounts=found.accounts, age_slots=age, source=AccountSource.STREAM)

    async def keep(self, pools: Collection[Pubkey], read: AccountsAtSlot) -> None:
        """Follow these accounts from now on; the pools asked for longest ago are given up when there are too many."""
        key, addresses = set_key(pools), frozenset(read.accounts) | {CLOCK_SYSVAR_ID}
        if len(addresses) > self._most_accounts:
            return
        known = self._sets.get(key)
        self._sets[key] = addresses
        self._sets.move_to_end(key)
        if known == addresses:
            return
        while len(union := frozenset().union(*self._sets.values())) > self._most_accounts:
            self._sets.popitem(last=False)
        self._wanted = union
        self._changed.set()

    async def settled(self) -> None:
        """Returns once every account followed now is known. For those who would rather wait than read."""
        while self._wanted and self._followed.snapshot(self._wanted) is None:
            if self._state == "off":
                raise CacheUnavailable(f"accounts are not streamed: {self._reason}", endpoint=redact_url(self._url))
            await self._clock.sleep_ms(20)

    # the life of the connections

    async def _run(self) -> None:
        wait_ms, broken = self._pace.first_wait_ms, 0
        while True:
            opened_ms = self._clock.monotonic_ms()
            self._url = self._urls[0]
            try:
                await self._connected()
            except DexError as error:
                self._reason = error.message
                broken += bool(error.context.get("stream"))
                hopeless = broken >= _MOST_BROKEN or bool(error.context.get("unsupported")) or not error.retryable
            except Exception as bug:  # nobody waits for this task: what ends it must be seen in the status
                self._reason, hopeless = f"a fault of dexroute: {type(bug).__name__}: {bug}", True
            finally:
                # A gap: whatever happens from here on is not told.
                self._session, self._followed = None, FollowedAccounts()
            if self._closing:
                return
            # The next one's turn; one that will never do has had its last.
            self._urls = self._urls[1:] + ([] if hopeless else self._urls[:1])
            if not self._urls:
                self._state = "off"
                return
            self._state = "waiting"
            lasted_ms = self._clock.monotonic_ms() - opened_ms
            if lasted_ms > _STEADY_MS:
                wait_ms = self._pace.first_wait_ms
            if lasted_ms > 10 * self._pace.audit_ms:
                broken = 0
            await self._clock.sleep_ms(int(wait_ms * (0.5 + self._chance() / 2)))
            wait_ms = min(wait_ms * 2, self._pace.max_wait_ms)

    async def _connected(self) -> None:
        async with open_socket(self._url, ping_s=self._pace.ping_s) as socket:
            self._connections += 1
            self._session = StreamSession(
                socket,
                self._reader,
                self._followed,
                self._clock,
                commitment=self._commitment,
                wanted=lambda: self._wanted,
                changed=self._changed,
                pace=self._pace,
            )
            self._state, self._reason = "live", None
            await self._session.run()
