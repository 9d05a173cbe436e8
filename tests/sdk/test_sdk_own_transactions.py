"""Transactions that are no orders are made once as well: whatever is lost or killed, the same bytes are followed to their end."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer

from dexroute import Dex, KeypairSigner
from dexroute.errors import DatabaseError, KeypairError, OutcomeUnknown, PolicyRefused, StaleData
from dexroute.fetchers.base import Pool
from dexroute.host.clock import HostClock
from dexroute.localnet import EmbeddedCluster
from dexroute.sdk.tables import LookupTables

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Killed(BaseException):
    """What no code of ours catches: this process is no more."""


class Later(HostClock):
    """The host's time and some."""

    ms = 0

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.ms


class Trouble(httpx.AsyncBaseTransport):
    """A wire to the cluster. `lost` methods are answered 503 and never arrive; `deaf` ones arrive and are answered 503; before or
    after the n-th `sendTransaction` the process is killed."""

    def __init__(self, cluster: httpx.AsyncBaseTransport) -> None:
        self._cluster = cluster
        self.lost: set[str] = set()
        self.deaf: set[str] = set()
        self.sent: list[bytes] = []
        self.kill: tuple[str, int] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = json.loads(await request.aread())
        method: str = question["method"]
        if method == "sendTransaction":
            self.sent.append(base64.b64decode(question["params"][0]))
        if self.kill == ("before", len(self.sent)):
            raise Killed
        if method in self.lost:
            return httpx.Response(503, request=request)
        answer = await self._cluster.handle_async_request(request)
        if self.kill == ("after", len(self.sent)):
            raise Killed
        return httpx.Response(503, request=request) if method in self.deaf else answer


@pytest.fixture
async def cluster(market: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[EmbeddedCluster, Later]]:
    monkeypatch.setattr("dexroute.sdk.table_change.MOST_ADDED", 8)  # so that one table takes several transactions
    later = Later()
    async with EmbeddedCluster.open(market / "embedded", clock=later) as opened:
        yield opened, later


@asynccontextmanager
async def process(
    market: Path, cluster: EmbeddedCluster, signer: Any, *, patience_ms: int = 120_000
) -> AsyncIterator[tuple[Dex, Trouble]]:
    """`dex` as one process has it: its memory ends with the block, its journal does not."""
    wire = Trouble(cluster.transport)
    url = "http://127.0.0.1:8899"
    async with Dex(url=url, data_dir=market, signer=signer, transport=wire, confirm_timeout_ms=patience_ms) as dex:
        yield dex, wire


async def pools_of(dex: Dex) -> list[Pool]:
    known = (await dex.quote("SOL", "BONK", "5")).pools.values()
    return sorted((pool for pool in known if pool.venue_id == "dexroute-pool"), key=lambda pool: bytes(pool.address))


async def create(dex: Dex) -> tuple[LookupTables, Pubkey, tuple[Pubkey, ...]]:
    """What `dex tables create` does; returns the tables, the one made, and all it is to hold."""
    tables, pools = await dex.tables(), await pools_of(dex)
    change = await tables.creating(dex.signer.pubkey, pools)
    await tables.carry_out(change, dex.signer.pubkey)
    return tables, change.table, change.added


async def made_once(dex: Dex, cluster: EmbeddedCluster) -> None:
    """One table on chain, whole, ours, and the only one the journal knows."""
    tables = await dex.tables()
    (state,) = await tables.list()
    assert state.state == "active" and state.authority == dex.signer.pubkey and state.table is not None
    found = await dex.connection.client.get_program_accounts(LOOKUP_TABLE_PROGRAM_ID, [])
    assert set(found) == {state.address}
    assert len(set(state.table.addresses)) == len(state.table.addresses) > 16


@pytest.mark.parametrize("moment", [("before", 1), ("after", 1), ("before", 2), ("after", 2)])
async def test_a_creation_that_was_killed_is_finished_not_repeated(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner, moment: tuple[str, int]
) -> None:
    chain, _ = cluster
    with pytest.raises(Killed):
        async with process(market, chain, signer) as (dex, wire):
            wire.kill = moment
            await create(dex)
    first = list(wire.sent)
    async with process(market, chain, signer) as (dex, wire):
        change = await (await dex.tables()).creating(dex.signer.pubkey, await pools_of(dex))
        assert change.what == "finish" and {first[-1]} == set(wire.sent), "the very bytes that were under way"
        await (await dex.tables()).carry_out(change, dex.signer.pubkey)
        await made_once(dex, chain)


async def test_resume_follows_what_was_under_way_to_its_end(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner
) -> None:
    chain, _ = cluster
    with pytest.raises(Killed):
        async with process(market, chain, signer) as (dex, wire):
            wire.kill = ("before", 1)
            await create(dex)
    (first,) = set(wire.sent)
    async with process(market, chain, signer) as (dex, wire):
        wire.deaf = {"sendTransaction", "getSignatureStatuses"}
        with pytest.raises(OutcomeUnknown, match="lookup table"):
            await dex.resume(wait_ms=100)
        wire.deaf = set()
        assert await dex.resume() == () and set(wire.sent) == {first}, "the very bytes that were under way"
        journal, owner = await dex.journal(), dex.signer.pubkey
        assert "slot" in json.loads(await journal.noted(f"own-transaction:{dex.connection.genesis_hash}:{owner}") or "")
        (state,) = await (await dex.tables()).list()
        assert state.table is not None and len(state.table.addresses) == 8
        wire.sent.clear()
        assert await dex.resume() == () and not wire.sent


async def test_silence_is_unknown_and_the_next_call_finds_out(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner
) -> None:
    chain, _ = cluster
    async with process(market, chain, signer, patience_ms=1_000) as (dex, wire):
        wire.deaf = {"sendTransaction", "getSignatureStatuses"}
        with pytest.raises(OutcomeUnknown) as unknown:
            await create(dex)
        signature = unknown.value.context["signature"]
        # Nothing else is signed while that is not known, whatever it is.
        for _ in range(2):
            with pytest.raises(OutcomeUnknown, match=signature):
                await create(dex)
        assert len(set(wire.sent)) == 1 < len(wire.sent)
    async with process(market, chain, signer) as (dex, wire):
        await create(dex)
        await made_once(dex, chain)
        assert await dex.connection.client.transaction(Signature.from_string(signature)) is not None


async def test_bytes_that_never_arrived_are_given_up_only_when_they_expired(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner
) -> None:
    chain, later = cluster
    async with process(market, chain, signer, patience_ms=1_000) as (dex, wire):
        wire.lost = {"sendTransaction"}
        with pytest.raises(OutcomeUnknown):
            await create(dex)
        (first,) = await (await dex.tables()).list()
        assert first.state == "missing"
        with pytest.raises(OutcomeUnknown):  # sent or not: nobody but the chain says that it never lands
            await create(dex)
    later.ms += 400 * 200
    async with process(market, chain, signer) as (dex, wire):
        _, second, _ = await create(dex)
        assert second != first.address
        await made_once(dex, chain)


async def test_nothing_is_signed_that_the_policy_does_not_know(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched:
        pubkey = signer.pubkey
        asked: list[MessageV0] = []  # noqa: RUF012

        async def sign(self, message: MessageV0) -> Signature:
            self.asked.append(message)
            return Signature.default()

    chain, _ = cluster
    watched = Watched()
    async with process(market, chain, watched) as (dex, wire):
        tables, pools = await dex.tables(), await pools_of(dex)
        change = await tables.creating(watched.pubkey, pools)
        thief = Pubkey.new_unique()
        smuggled: Instruction = transfer(TransferParams(from_pubkey=watched.pubkey, to_pubkey=thief, lamports=10**6))
        object.__setattr__(change, "transactions", ((*change.transactions[0], smuggled), *change.transactions[1:]))
        with pytest.raises(PolicyRefused) as refused:
            await tables.carry_out(change, watched.pubkey)
        assert refused.value.context["rule"] == "program" and not watched.asked and not wire.sent
        assert await tables.list() == ()  # it was never made, so it is not remembered
        with pytest.raises(KeypairError, match="not a signature"):
            await create(dex)
        assert len(watched.asked) == 1 and not wire.sent


async def test_a_damaged_note_stops_everything(market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner) -> None:
    chain, _ = cluster
    async with process(market, chain, signer) as (dex, wire):
        journal = await dex.journal()
        name = f"own-transaction:{dex.connection.genesis_hash}:{signer.pubkey}"
        for damaged in ("{", "[]", '{"wire": "AAAA"}', '{"slot": null}'):
            await journal.note(name, damaged)
            with pytest.raises(DatabaseError, match="damaged"):
                await create(dex)
        assert not wire.sent


async def test_a_process_that_was_overtaken_sends_nothing(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner
) -> None:
    """Another process of this wallet commits its transaction while this one signs: as on PostgreSQL, which has no lock of one."""
    chain, _ = cluster

    class Overtaken:
        pubkey = signer.pubkey

        async def sign(self, message: MessageV0) -> Signature:
            journal = await dex.journal()
            assert await journal.replace_note(name, await journal.noted(name), '{"slot": 1}')
            return await signer.sign(message)

    async with process(market, chain, Overtaken()) as (dex, wire):
        name = f"own-transaction:{dex.connection.genesis_hash}:{signer.pubkey}"
        with pytest.raises(StaleData, match="another process"):
            await create(dex)
        assert not wire.sent and await (await dex.journal()).noted(name) == '{"slot": 1}'
    async with process(market, chain, signer) as (dex, wire):
        change = await (await dex.tables()).creating(dex.signer.pubkey, await pools_of(dex))
        await (await dex.tables()).carry_out(change, dex.signer.pubkey)
        await made_once(dex, chain)


async def test_of_two_processes_that_begin_a_table_at_once_one_does(
    market: Path, cluster: tuple[EmbeddedCluster, Later], signer: KeypairSigner
) -> None:
    """Both decide before either begins. The journal would forget what is left of the first one's table otherwise."""
    chain, _ = cluster
    async with process(market, chain, signer) as (dex, wire):
        tables, pools, owner = await dex.tables(), await pools_of(dex), dex.signer.pubkey
        first, second = await tables.creating(owner, pools), await tables.creating(owner, pools[:2])
        wire.kill = ("after", 2)
        with pytest.raises(Killed):
            await tables.carry_out(first, owner)
        wire.kill = None
        sent = list(wire.sent)
        with pytest.raises(StaleData, match="another process"):
            await tables.carry_out(second, owner)
        assert wire.sent == sent
        assert [state.address for state in await tables.list()] == [first.table]
        assert (await tables.creating(owner, pools)).what == "finish"
