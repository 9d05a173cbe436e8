"""solana-py against the cluster: in process through the transport, and served over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.types import MemcmpOpts, TokenAccountOpts, TxOpts
from solana.rpc.websocket_api import SolanaWsClientProtocol, connect
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc.config import RpcTransactionLogsFilterMentions
from solders.rpc.errors import SendTransactionPreflightFailureMessage
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus
from spl.token.async_client import AsyncToken
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from dexroute.localnet import ClusterOptions, EmbeddedCluster, ServedAt, serve

SOL = 10**9


@dataclass
class Party:
    """A client, a funded key, and how to have a transaction signed and confirmed."""

    client: AsyncClient
    key: Keypair
    ws_url: str | None

    async def signed(self, receiver: Pubkey, lamports: int) -> VersionedTransaction:
        blockhash = (await self.client.get_latest_blockhash(Processed)).value.blockhash
        ix = transfer(TransferParams(from_pubkey=self.key.pubkey(), to_pubkey=receiver, lamports=lamports))
        return VersionedTransaction(MessageV0.try_compile(self.key.pubkey(), [ix], [], blockhash), [self.key])

    async def confirmed(self, signature: Any) -> None:
        answer = await self.client.confirm_transaction(signature, Confirmed, sleep_seconds=0.02)
        status = answer.value[0]
        assert status is not None
        assert status.confirmation_status in (TransactionConfirmationStatus.Confirmed, TransactionConfirmationStatus.Finalized)


@pytest.fixture(params=["in process", "served"])
async def party(request: pytest.FixtureRequest, fast: ClusterOptions) -> AsyncIterator[Party]:
    async with EmbeddedCluster.open(None, options=fast) as cluster:
        serving, ws_url = None, None
        if request.param == "served":
            ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
            serving = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
            served = await ready
            client, ws_url = AsyncClient(served.rpc_url, Confirmed), served.ws_url
        else:
            client = AsyncClient("http://embedded", Confirmed)
            await client._provider.session.aclose()
            client._provider.session = httpx.AsyncClient(transport=cluster.transport)
        async with client:
            party = Party(client, Keypair(), ws_url)
            await party.confirmed((await client.request_airdrop(party.key.pubkey(), 10 * SOL)).value)
            yield party
        if serving:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def test_airdrop_send_confirm_and_fetch(party: Party) -> None:
    client, receiver = party.client, Keypair().pubkey()
    assert (await client.get_balance(party.key.pubkey())).value == 10 * SOL
    transaction = await party.signed(receiver, SOL)
    simulated = (await client.simulate_transaction(transaction, sig_verify=True, commitment=Processed)).value
    assert simulated.err is None
    assert simulated.units_consumed == 150
    signature = (await client.send_transaction(transaction, TxOpts(preflight_commitment=Processed))).value
    await party.confirmed(signature)
    for encoding in ("json", "jsonParsed", "base64"):
        landed = (await client.get_transaction(signature, encoding, Confirmed, max_supported_transaction_version=0)).value
        assert landed is not None
        meta = landed.transaction.meta
        assert meta is not None
        assert (meta.err, meta.fee) == (None, 5000)
        assert meta.pre_balances[0] - meta.post_balances[0] == SOL + 5000
        assert meta.log_messages is not None
        assert len(meta.log_messages) == 2
    listed = (await client.get_signatures_for_address(receiver)).value
    assert [item.signature for item in listed] == [signature]


async def test_a_preflight_failure_decodes(party: Party) -> None:
    with pytest.raises(RPCException) as refused:
        await party.client.send_transaction(await party.signed(Keypair().pubkey(), 10**15), TxOpts(preflight_commitment=Processed))
    failure = refused.value.args[0]
    assert isinstance(failure, SendTransactionPreflightFailureMessage)
    assert failure.data.units_consumed == 150


@pytest.mark.parametrize("program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID])
async def test_tokens(party: Party, program: Pubkey) -> None:
    client, me = party.client, party.key.pubkey()
    token = await AsyncToken.create_mint(client, party.key, me, 6, program)
    await settled(client)
    holding = await token.create_account(me)
    await settled(client)
    await party.confirmed((await token.mint_to(holding, party.key, 1_500_000)).value)
    assert (await client.get_token_account_balance(holding)).value.ui_amount_string == "1.5"
    assert (await token.get_mint_info()).supply == 1_500_000
    assert (await token.get_account_info(holding)).amount == 1_500_000
    owned = await client.get_token_accounts_by_owner_json_parsed(me, TokenAccountOpts(mint=token.pubkey))
    assert [item.pubkey for item in owned.value] == [holding]
    parsed: Any = owned.value[0].account.data.parsed
    assert parsed["info"]["tokenAmount"]["amount"] == "1500000"
    filters: list[Any] = [MemcmpOpts(offset=0, bytes=str(token.pubkey))]
    found = (await client.get_program_accounts(program, encoding="base64", filters=filters)).value
    assert [item.pubkey for item in found] == [holding]


async def settled(client: AsyncClient) -> None:
    """Until what was just sent is confirmed: solana-py's token client sends the next step from what it reads."""
    slot = (await client.get_slot(Processed)).value
    while (await client.get_slot(Confirmed)).value <= slot:
        await asyncio.sleep(0.01)


async def test_what_the_client_asks_of_a_cluster(party: Party) -> None:
    client = party.client
    assert await client.is_connected()
    assert (await client.get_epoch_info()).value.slots_in_epoch == 432_000
    assert (await client.get_epoch_schedule()).value.warmup is False
    assert (await client.get_version()).value.solana_core
    assert (await client.get_first_available_block()).value == 0
    slot = (await client.get_slot(Finalized)).value
    block = (await client.get_block(slot, max_supported_transaction_version=0)).value
    assert block is not None
    assert block.parent_slot == max(0, slot - 1)
    assert (await client.get_blocks(slot, slot)).value == [slot]
    assert (await client.get_block_time(slot)).value is not None
    assert (await client.get_minimum_balance_for_rent_exemption(0)).value == 890_880
    assert (await client.get_supply()).value.total > 0
    assert (await client.get_transaction_count()).value >= 1
    assert (await client.get_vote_accounts()).value.current == []
    assert (await client.get_identity()).value.identity
    assert (await client.get_genesis_hash()).value
    message = (await party.signed(Keypair().pubkey(), SOL)).message
    assert (await client.get_fee_for_message(message, Processed)).value == 5000


async def notified(socket: SolanaWsClientProtocol, count: int) -> list[Any]:
    messages: list[Any] = []
    while len(messages) < count:
        messages += await asyncio.wait_for(socket.recv(), 10)
    return messages


@pytest.mark.parametrize("party", ["served"], indirect=True)
async def test_subscriptions(party: Party) -> None:
    assert party.ws_url is not None
    receiver = Keypair().pubkey()
    transaction = await party.signed(receiver, SOL)
    async with connect(party.ws_url) as socket:
        await socket.account_subscribe(receiver, Confirmed)
        await socket.signature_subscribe(transaction.signatures[0], Confirmed)
        await socket.logs_subscribe(RpcTransactionLogsFilterMentions(receiver), Confirmed)
        answers = await notified(socket, 3)
        ids = [answer.result for answer in answers]
        assert len(set(ids)) == 3
        await party.client.send_transaction(transaction, TxOpts(preflight_commitment=Processed))
        told = {type(item).__name__: item.result.value for item in await notified(socket, 3)}
        assert told["AccountNotification"].lamports == SOL
        assert told["SignatureNotification"].err is None
        assert told["LogsNotification"].signature == transaction.signatures[0]
        await socket.account_unsubscribe(ids[0])
        (answer,) = await notified(socket, 1)
        assert answer.result is True
        await socket.slot_subscribe()
        slots = (await notified(socket, 4))[1:]
        assert [item.result.slot - item.result.parent for item in slots] == [1, 1, 1]
        assert slots[1].result.slot == slots[0].result.slot + 1


async def test_an_unreachable_cluster_is_no_embedded_one() -> None:
    """The transport is the seam: without it the same client code really goes to the network."""
    async with AsyncClient("http://127.0.0.1:9") as client:
        with pytest.raises(SolanaRpcException):
            await client.get_slot()
