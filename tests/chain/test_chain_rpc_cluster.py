"""The one client against a cluster that executes: in process, and served over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.chain.rpc import RpcClient
from dexroute.errors import RpcError, StaleData
from dexroute.fetchers import VENUES
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID, decode_clock
from dexroute.fetchers.discovery import ProgramAccounts, discover
from dexroute.localnet import EmbeddedCluster, ServedAt, serve
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountFilter, Commitment
from dexroute.types.mints import NATIVE_MINT, TOKEN_PROGRAM_ID
from tests.chain.scripted_node import Waits

SOL = 10**9


class ManualTime:
    """A host clock that only the test moves."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    async def sleep_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms

    def pass_slots(self, count: int) -> None:
        self.ms += 400 * count


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
def cluster(time: ManualTime) -> EmbeddedCluster:
    return EmbeddedCluster.open(clock=time)


@pytest.fixture(params=["embedded", "served"])
async def rpc(request: pytest.FixtureRequest, cluster: EmbeddedCluster, waits: Waits) -> AsyncIterator[RpcClient]:
    if request.param == "embedded":
        async with cluster, RpcClient("embedded", transport=cluster.transport, sleep=waits) as client:
            yield client
        return
    ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
    served = await ready
    async with cluster, RpcClient(served.rpc_url, sleep=waits) as client:
        yield client
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def funded(rpc: RpcClient, time: ManualTime) -> Keypair:
    payer = Keypair()
    await rpc.request_airdrop(payer.pubkey(), 2 * SOL)
    time.pass_slots(3)
    return payer


async def paying(rpc: RpcClient, payer: Keypair, to: Pubkey, lamports: int) -> VersionedTransaction:
    pay = transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=lamports))
    lifetime = await rpc.latest_blockhash()
    return VersionedTransaction(MessageV0.try_compile(payer.pubkey(), [pay], [], lifetime.blockhash), [payer])


async def test_a_payment_from_simulation_to_receipt(rpc: RpcClient, time: ManualTime) -> None:
    payer, receiver = await funded(rpc, time), Pubkey.new_unique()
    wire = bytes(signed := await paying(rpc, payer, receiver, SOL))
    signature = signed.signatures[0]

    simulated = await rpc.simulate(wire, accounts=[receiver, payer.pubkey()])
    assert simulated.error is None
    assert simulated.units_consumed > 0
    after = simulated.post_accounts[receiver]
    assert after is not None
    assert after.lamports == SOL
    assert await rpc.transaction(signature) is None
    assert (await rpc.signature_statuses([signature], search_history=True))[1] == (None,)

    await rpc.send(wire)
    await rpc.send(wire)  # the same bytes again change nothing
    time.pass_slots(3)
    slot, (status, unknown) = await rpc.signature_statuses([signature, Signature.new_unique()], search_history=True)
    assert status is not None
    assert unknown is None
    assert status.error is None
    assert status.commitment in (Commitment.CONFIRMED, Commitment.FINALIZED)
    assert status.slot <= slot

    landed = await rpc.transaction(signature)
    assert landed is not None
    assert (landed.slot, landed.error, landed.fee_lamports) == (status.slot, None, 5000)
    moved = dict(zip(landed.account_keys, zip(landed.pre_lamports, landed.post_lamports, strict=True), strict=True))
    assert moved[payer.pubkey()] == (2 * SOL, SOL - 5000)
    assert moved[receiver] == (0, SOL)
    accounts = (await rpc.get_accounts([receiver], min_context_slot=landed.slot)).accounts
    held = accounts[receiver]
    assert held is not None
    assert held.lamports == SOL


async def test_a_payment_without_the_money_fails_in_simulation(rpc: RpcClient, time: ManualTime) -> None:
    payer = await funded(rpc, time)
    wire = bytes(await paying(rpc, payer, Pubkey.new_unique(), 3 * SOL))
    simulated = await rpc.simulate(wire)
    assert simulated.error is not None
    assert (simulated.error.instruction_index, simulated.error.custom_code) == (0, 1)
    assert simulated.logs


async def test_time_passes_as_the_node_says(rpc: RpcClient, time: ManualTime) -> None:
    lifetime = await rpc.latest_blockhash()
    height, slot = await rpc.block_height(Commitment.CONFIRMED)
    assert height <= lifetime.last_valid_block_height
    time.pass_slots(200)
    later, later_slot = await rpc.block_height(Commitment.CONFIRMED)
    assert (later - height, later_slot - slot) == (200, 200)
    assert later > lifetime.last_valid_block_height
    finalized, finalized_slot = await rpc.block_height(Commitment.FINALIZED)
    assert finalized <= later
    assert finalized_slot <= later_slot


async def test_clock_and_mint_are_read_together(rpc: RpcClient) -> None:
    read = await rpc.get_accounts([CLOCK_SYSVAR_ID, NATIVE_MINT, Pubkey.new_unique()])
    clock, mint, nothing = read.accounts.values()
    assert clock is not None
    assert mint is not None
    assert nothing is None
    assert decode_clock(clock).slot == read.slot
    assert mint.owner == TOKEN_PROGRAM_ID


async def test_a_slot_not_reached_is_stale(rpc: RpcClient, waits: Waits) -> None:
    with pytest.raises(StaleData) as caught:
        await rpc.get_accounts([NATIVE_MINT], min_context_slot=2**40)
    assert caught.value.context["calls"] == 4
    assert len(waits) == 3


async def test_facts_of_the_cluster(rpc: RpcClient, cluster: EmbeddedCluster) -> None:
    assert await rpc.genesis_hash() == cluster.genesis.hash
    assert await rpc.rent_exemption(0) == 890_880
    assert await rpc.rent_exemption(165) == 2_039_280
    assert await rpc.version()
    assert all(fee >= 0 for fee in await rpc.recent_priority_fees([NATIVE_MINT]))
    assert dict(await rpc.token_accounts(Pubkey.new_unique(), TOKEN_PROGRAM_ID)) == {}
    with pytest.raises(RpcError) as caught:
        await rpc.call("getNothing")
    assert caught.value.context["unsupported"] is True


async def test_garbage_is_refused_by_the_node_not_by_a_crash(rpc: RpcClient) -> None:
    for wire in (b"", b"\x01", b"\x80" * 64, bytes(2_000)):
        with pytest.raises(RpcError) as caught:
            await rpc.send(wire)
        assert isinstance(caught.value.context["rpc_code"], int)


async def test_discovery_on_the_cluster(rpc: RpcClient, cluster: EmbeddedCluster) -> None:
    one, other, third = (Pubkey.new_unique() for _ in range(3))
    placed = 0
    for venue in VENUES:
        capabilities = venue.capabilities
        for mints in ((one, other), (other, one), (one, third)):
            length = next((one.data_size for one in capabilities.pool_filters if one.data_size), 2_000)
            content = bytearray(length)
            known = [*capabilities.pool_filters]
            known += [
                AccountFilter(offset=at, bytes_=bytes(mint)) for at, mint in zip(capabilities.mint_offsets, mints, strict=True)
            ]
            for part in known:
                content[part.offset : part.offset + len(part.bytes_)] = part.bytes_
            cluster.set_account(Pubkey.new_unique(), AccountData(owner=venue.program_id, lamports=SOL, data=bytes(content)))
            placed += 1
    found = await discover([ProgramAccounts(rpc, venue) for venue in VENUES], [(one, other)])
    assert placed == 3 * len(VENUES) > 0
    assert sorted((pool.venue_id, pool.mints == (one, other)) for pool in found.pools) == sorted(
        (venue.id, order) for venue in VENUES for order in (True, False)
    )
    assert all(report.failure is None and report.found == 2 for report in found.sources)
