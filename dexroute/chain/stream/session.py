"""One connection's life: subscribe, read what is so now, apply what is told, until something breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from solders.pubkey import Pubkey

from dexroute.chain.rpc import answers
from dexroute.chain.rpc.fields import Field
from dexroute.chain.stream.followed import FollowedAccounts
from dexroute.chain.stream.socket import PubSubSocket
from dexroute.errors import NetworkError, RpcError, RpcUnreachable
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.ports import AccountReader, Clock
from dexroute.types.chain import Commitment

_PER_READ: Final = 100
_PER_BURST: Final = 50  # subscriptions asked for before waiting for their ids
_ANSWER_S: Final = 15.0
_MOST_UNASKED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPace:
    """How patient a stream is. A connection that tells no clock for `silent_ms` is dead, whatever its pings say; every `audit_ms`
    up to 100 accounts are read to hold the stream to them; waits between connections grow from `first_wait_ms` to `max_wait_ms`."""

    ping_s: float = 10.0
    silent_ms: int = 15_000
    audit_ms: int = 60_000
    first_wait_ms: int = 500
    max_wait_ms: int = 30_000


class StreamSession:
    """Feeds `followed` from `socket` with the accounts that `wanted` names; `changed` says that it names others now."""

    def __init__(
        self,
        socket: PubSubSocket,
        reader: AccountReader,
        followed: FollowedAccounts,
        clock: Clock,
        *,
        commitment: Commitment,
        wanted: Callable[[], Collection[Pubkey]],
        changed: asyncio.Event,
        pace: StreamPace,
    ) -> None:
        self._socket = socket
        self._reader = reader
        self._followed = followed
        self._clock = clock
        self._commitment = commitment
        self._wanted = wanted
        self._changed = changed
        self._pace = pace
        self._asked: dict[int, tuple[Pubkey, asyncio.Future[None]]] = {}
        self._address_of: dict[int, Pubkey] = {}
        self._subscription_of: dict[Pubkey, int] = {}
        self._unasked = 0
        self._audited = 0
        self.progressed = asyncio.Event()
        self.clock_ms = clock.monotonic_ms()

    async def run(self) -> NoReturn:
        """Until something breaks: raises NetworkError."""
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for task in (self._receive(), self._keep_up(), self._watch_silence(), self._audit()):
                    group.create_task(task)
        except* NetworkError as failures:
            failure = failures.exceptions[0]
        raise failure or AssertionError("unreachable: the tasks never end by themselves")

    # what the node says

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.has("method"):
                self._notified(message)
            else:
                self._answered(message)

    def _answered(self, message: Field) -> None:
        """A subscription's id, known before the next message is looked at: its first notification may follow at once."""
        call_id = message.value.get("id")
        address, waiting = self._asked.pop(call_id if type(call_id) is int else -1, (None, None))
        if address is None or waiting is None:
            return
        failure = message.value.get("error")
        if failure is not None:
            if not waiting.done():
                waiting.set_exception(self._socket.refusal("accountSubscribe", failure))
            return
        subscription = message["result"].uint()
        if subscription in self._address_of:
            raise message["result"].wrong("an id of its own for each subscription")
        self._address_of[subscription] = address
        self._subscription_of[address] = subscription
        if not waiting.done():
            waiting.set_result(None)

    def _notified(self, message: Field) -> None:
        params = message["params"]
        address = self._address_of.get(params["subscription"].uint())
        if message.value["method"] != "accountNotification" or address is None:
            self._unasked += 1  # a few follow an unsubscription
            if self._unasked > _MOST_UNASKED:
                raise RpcError(f"{self._socket.name} tells accounts that nobody asked for", endpoint=self._socket.name)
            return
        slot = params["result"]["context"]["slot"].uint()
        account = answers.account(params["result"]["value"])
        if account is not None and account.lamports == 0:
            account = None  # a closed account is told as an empty one
        if address == CLOCK_SYSVAR_ID:
            self._followed.clock_told(slot, account)
            self.clock_ms = self._clock.monotonic_ms()
            self.progressed.set()
        else:
            self._followed.told(address, slot, account)

    # what we want

    async def _keep_up(self) -> None:
        await self._subscribe([CLOCK_SYSVAR_ID])
        while True:
            self._changed.clear()
            wanted = frozenset(self._wanted())
            await self._unsubscribe(self._subscription_of.keys() - wanted - {CLOCK_SYSVAR_ID})
            await self._subscribe(sorted(wanted - self._subscription_of.keys(), key=bytes))
            await self._read_baselines(self._followed.unknown(wanted))
            await self._changed.wait()

    async def _subscribe(self, addresses: Sequence[Pubkey]) -> None:
        options = {"encoding": "base64", "commitment": self._commitment}
        for start in range(0, len(addresses), _PER_BURST):
            waiting = []
            for address in addresses[start : start + _PER_BURST]:
                call_id = await self._socket.send("accountSubscribe", [str(address), options])
                told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._asked[call_id] = (address, told)
                waiting.append(told)
            try:
                async with asyncio.timeout(_ANSWER_S):
                    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            except TimeoutError:
                raise RpcUnreachable(
                    f"{self._socket.name} did not answer accountSubscribe within {_ANSWER_S:g} s", endpoint=self._socket.name
                ) from None
            if refusal := next((outcome for outcome in outcomes if outcome is not None), None):
                raise refusal

    async def _unsubscribe(self, addresses: Collection[Pubkey]) -> None:
        for address in addresses:
            subscription = self._subscription_of.pop(address)
            del self._address_of[subscription]
            self._followed.forget(address)
            await self._socket.send("accountUnsubscribe", [subscription])

    async def _read_baselines(self, addresses: Sequence[Pubkey]) -> None:
        """Every change after these reads will be told: they are at or after a slot told after all subscriptions stood."""
        if not addresses:
            return
        reached = await self._next_clock()
        for start in range(0, len(addresses), _PER_READ):
            chunk = addresses[start : start + _PER_READ]
            self._followed.baseline(await self._reader.get_accounts(chunk, min_context_slot=reached, commitment=self._commitment))

    async def _next_clock(self) -> int:
        seen = self._followed.clock_slot
        while (slot := self._followed.clock_slot) is None or slot == seen:
            self.progressed.clear()
            await self.progressed.wait()
        return slot

    # whether to believe it

    async def _watch_silence(self) -> None:
        while True:
            await self._clock.sleep_ms(max(50, self._pace.silent_ms // 10))
            silent_ms = self._clock.monotonic_ms() - self.clock_ms
            if silent_ms > self._pace.silent_ms:
                raise RpcUnreachable(
                    f"the WebSocket to {self._socket.name} has told no slot for {silent_ms / 1000:.0f} s",
                    endpoint=self._socket.name,
                )

    async def _audit(self) -> None:
        while True:
            await self._clock.sleep_ms(self._pace.audit_ms)
            known = sorted(set(self._wanted()) - set(self._followed.unknown(self._wanted())), key=bytes)
            start = self._audited % len(known) if known else 0
            self._audited += _PER_READ
            chunk = (known[start:] + known[:start])[:_PER_READ]
            if not chunk:
                continue
            try:
                read = await self._reader.get_accounts(
                    chunk, min_context_slot=self._followed.clock_slot, commitment=self._commitment
                )
            except NetworkError:
                continue  # says nothing about the stream
            self._followed.expect(read)
