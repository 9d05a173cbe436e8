"""Clusters for tests: in memory, with a clock that only tests move."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.localnet import ClusterOptions, EmbeddedCluster


class ManualTime:
    """`dexroute.ports.Clock` that stands still until told otherwise."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    async def sleep_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms

    def pass_slots(self, count: int) -> None:
        self.ms += 400 * count


class Rpc:
    """Raw JSON-RPC: what goes over the wire, with no client's opinion of it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def whole(self, method: str, *params: Any) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        answer: dict[str, Any] = (await self.http.post("http://cluster/", json=body)).json()
        assert answer["id"] == 7
        assert answer["jsonrpc"] == "2.0"
        return answer

    async def result(self, method: str, *params: Any) -> Any:
        answer = await self.whole(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    async def value(self, method: str, *params: Any) -> Any:
        result = await self.result(method, *params)
        assert set(result) == {"context", "value"}
        return result["value"]

    async def error(self, method: str, *params: Any) -> dict[str, Any]:
        answer = await self.whole(method, *params)
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def cluster(time: ManualTime) -> Iterator[EmbeddedCluster]:
    opened = EmbeddedCluster.open(None, clock=time)
    yield opened
    opened.close()


@pytest.fixture
async def rpc(cluster: EmbeddedCluster) -> AsyncIterator[Rpc]:
    async with httpx.AsyncClient(transport=cluster.transport) as http:
        yield Rpc(http)


@pytest.fixture
def fast() -> ClusterOptions:
    """50 ms slots: for tests against a served cluster, where time is real."""
    return ClusterOptions(ticks_per_slot=8)


class Wallet:
    """A funded key and a short way to send its instructions."""

    def __init__(self, rpc: Rpc, key: Keypair) -> None:
        self.rpc, self.key = rpc, key
        self.pubkey = key.pubkey()

    async def transaction(self, *instructions: Instruction, tables: Sequence[Any] = (), signers: Sequence[Keypair] = ()) -> str:
        """A signed v0 transaction on the newest blockhash, base64."""
        blockhash = (await self.rpc.value("getLatestBlockhash", {"commitment": "processed"}))["blockhash"]
        message = MessageV0.try_compile(self.pubkey, list(instructions), list(tables), Hash.from_string(blockhash))
        return base64.b64encode(bytes(VersionedTransaction(message, [self.key, *signers]))).decode()

    async def send(self, *instructions: Instruction, skip_preflight: bool = False, **more: Any) -> str:
        """Signature."""
        wire = await self.transaction(*instructions, **more)
        config = {"encoding": "base64", "skipPreflight": skip_preflight, "preflightCommitment": "processed"}
        signature: str = await self.rpc.result("sendTransaction", wire, config)
        return signature

    async def balance(self) -> int:
        lamports: int = await self.rpc.value("getBalance", str(self.pubkey), {"commitment": "processed"})
        return lamports

    def pay(self, receiver: Pubkey, lamports: int) -> Instruction:
        return transfer(TransferParams(from_pubkey=self.pubkey, to_pubkey=receiver, lamports=lamports))


@pytest.fixture
async def wallet(rpc: Rpc) -> Wallet:
    key = Keypair()
    await rpc.result("requestAirdrop", str(key.pubkey()), 10 * 10**9)
    return Wallet(rpc, key)
