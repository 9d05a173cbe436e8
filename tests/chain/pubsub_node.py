"""A node whose WebSocket does as a test says: it tells what it is told to tell, in the order and with the faults wanted.

What an orderly node does is tested on the embedded cluster's own server (tests/sdk/test_sdk_stream.py).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from solders.pubkey import Pubkey
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from dexroute.errors import StaleData
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountFilter, AccountsAtSlot, Commitment
from tests.unit.test_loader_rounds import CLOCK, clock_account


class PubSubNode:
    """Accounts by slot, read as an `AccountReader` and told over a WebSocket. `subscribed` are the addresses of the newest
    connection, by subscription id."""

    def __init__(self) -> None:
        self.slot = 1_000
        self.accounts: dict[Pubkey, AccountData | None] = {CLOCK_SYSVAR_ID: clock_account()}
        self.subscribed: dict[int, Pubkey] = {}
        self.connections = 0
        self.reads = 0
        self.paths: list[str] = []
        self.refusal: dict[str, Any] | None = None
        self.same_id = False
        self.url = ""
        self._connection: ServerConnection | None = None

    # AccountReader

    async def get_accounts(
        self, addresses: Sequence[Pubkey], *, min_context_slot: int | None = None, commitment: Commitment = Commitment.CONFIRMED
    ) -> AccountsAtSlot:
        self.reads += 1
        if min_context_slot is not None and self.slot < min_context_slot:
            raise StaleData(f"at {self.slot}, wanted {min_context_slot}")
        return AccountsAtSlot(slot=self.slot, accounts={address: self.accounts.get(address) for address in addresses})

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        raise NotImplementedError

    # what a test makes it do

    async def tick(self, changes: Mapping[Pubkey, AccountData | None] | None = None, *, untold: bool = False) -> None:
        """The next slot, with what changed in it, told unless `untold`."""
        self.slot += 1
        self.accounts |= changes or {}
        self.accounts[CLOCK_SYSVAR_ID] = AccountData(
            owner=clock_account().owner, lamports=1, data=self.slot.to_bytes(8, "little") + clock_account(CLOCK).data[8:]
        )
        for address in () if untold else (changes or {}):
            await self.tell(address, self.slot, self.accounts[address])
        await self.tell(CLOCK_SYSVAR_ID, self.slot, self.accounts[CLOCK_SYSVAR_ID])

    async def tell(self, address: Pubkey, slot: int, account: AccountData | None) -> None:
        for subscription in [identity for identity, followed in self.subscribed.items() if followed == address]:
            await self.tell_raw(subscription, slot, account)

    async def tell_raw(self, subscription: int, slot: int, account: AccountData | None) -> None:
        shown = account or AccountData(owner=Pubkey.default(), lamports=0, data=b"")
        value = {
            "owner": str(shown.owner),
            "lamports": shown.lamports,
            "data": [base64.b64encode(shown.data).decode(), "base64"],
            "executable": False,
            "rentEpoch": 0,
        }
        params = {"subscription": subscription, "result": {"context": {"slot": slot}, "value": value}}
        await self.say(json.dumps({"jsonrpc": "2.0", "method": "accountNotification", "params": params}))

    async def say(self, text: str) -> None:
        """To whoever is connected; who has just gone does not hear it."""
        assert self._connection is not None
        with suppress(ConnectionClosed):
            await self._connection.send(text)

    async def hang_up(self) -> None:
        assert self._connection is not None
        await self._connection.close()
        self.subscribed = {}

    async def _serve(self, connection: ServerConnection) -> None:
        self._connection, self.subscribed = connection, {}
        self.connections += 1
        assert connection.request is not None
        self.paths.append(connection.request.path)
        try:
            async for text in connection:
                question = json.loads(text)
                answer: dict[str, Any] = {"jsonrpc": "2.0", "id": question["id"]}
                if self.refusal:
                    answer["error"] = self.refusal
                elif question["method"] == "accountSubscribe":
                    identity = 7 if self.same_id else 1_000 * self.connections + question["id"]
                    self.subscribed[identity] = Pubkey.from_string(question["params"][0])
                    answer["result"] = identity
                else:
                    answer["result"] = self.subscribed.pop(question["params"][0], None) is not None
                await connection.send(json.dumps(answer))
        except ConnectionClosed:
            pass


@asynccontextmanager
async def pubsub_node() -> AsyncIterator[PubSubNode]:
    node = PubSubNode()
    async with serve(node._serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        node.url = f"ws://127.0.0.1:{port}/secret-token-in-path?api-key=secret-key"
        yield node


async def until(condition: Any, *, seconds: float = 20.0) -> None:
    """Waits for a condition that a task in the background brings about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
