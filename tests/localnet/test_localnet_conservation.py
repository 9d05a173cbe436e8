"""Whatever is sent: lamports leave the cluster only as fees, and all three holders of an account agree on it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.localnet import EmbeddedCluster
from dexroute.localnet.faucet import airdrop
from dexroute.localnet.record import TransactionRecord
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

KEYS = [Keypair.from_seed(bytes([index]) * 32) for index in range(4)]
ED25519 = Pubkey.from_string("Ed25519SigVerify111111111111111111111111111")
PROGRAMS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, ASSOCIATED_TOKEN_PROGRAM_ID, SYSTEM_PROGRAM_ID, KEYS[3].pubkey())


def signature_check(good: bool) -> Instruction:
    """An instruction of the ed25519 precompile, which a transaction pays for as for a signature."""
    signature = bytes(KEYS[0].sign_message(b"hello" if good else b"else"))
    head = struct.pack("<BBHHHHHHH", 1, 0, 48, 0xFFFF, 16, 0xFFFF, 112, 5, 0xFFFF)
    return Instruction(ED25519, head + bytes(KEYS[0].pubkey()) + signature + b"hello", [])


index = st.integers(0, 3)
transfers = st.builds(
    lambda source, target, lamports: transfer(
        TransferParams(from_pubkey=KEYS[source].pubkey(), to_pubkey=KEYS[target].pubkey(), lamports=lamports)
    ),
    index,
    index,
    st.sampled_from([0, 1, 890_879, 890_880, 10**9, 2 * 10**9, 10**10, 10**12]) | st.integers(0, 10**10),
)
prices = st.builds(set_compute_unit_price, st.integers(0, 10**8)) | st.builds(set_compute_unit_limit, st.integers(0, 2_000_000))
calls = st.builds(
    lambda program, who, data: Instruction(
        program,
        data,
        [AccountMeta(KEYS[who].pubkey(), True, True), AccountMeta(NATIVE_MINT, False, True), AccountMeta(program, False, True)],
    ),
    st.sampled_from(PROGRAMS),
    index,
    st.binary(max_size=12),
)
instructions = st.lists(transfers | prices | calls | st.builds(signature_check, st.booleans()), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    opened = EmbeddedCluster.open(Path(tmp_path_factory.mktemp("conservation")))
    yield opened
    opened.close()


def total(cluster: EmbeddedCluster) -> int:
    return sum(account.lamports for _, account in cluster.bank.versions.all_at(cluster.bank.clock.tip().slot))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(index, instructions), min_size=1, max_size=4))
def test_lamports_leave_only_as_fees(shared: EmbeddedCluster, batches: list[tuple[int, list[Instruction]]]) -> None:
    bank = shared.bank
    before, paid = total(shared), 0
    for key in KEYS:
        outcome = airdrop(bank, shared.genesis.faucet, key.pubkey(), 10**9)
        assert isinstance(outcome, TransactionRecord)
        paid += outcome.meta["fee"]
    for payer, batch in batches:
        blockhash = bank.blockhashes.of(bank.clock.tip().height)
        message = MessageV0.try_compile(KEYS[payer].pubkey(), batch, [], blockhash)
        signers = {key.pubkey(): key for key in KEYS}
        keys = [signers[address] for address in message.account_keys[: message.header.num_required_signatures]]
        transaction = VersionedTransaction(message, keys)
        simulated = bank.simulate(transaction, at=bank.clock.tip(), verify=True)
        result = bank.submit(transaction)
        assert simulated.error == result.error
        if isinstance(result, TransactionRecord):
            meta = result.meta
            paid += meta["fee"]
            assert sum(meta["preBalances"]) - sum(meta["postBalances"]) == meta["fee"]
    assert total(shared) == before - paid
    kept = {write.address: write.account for write in bank.ledger.accounts()}
    for address, account in bank.versions.all_at(bank.clock.tip().slot):
        assert bank.runtime.get(address) == account == kept[address]
    assert len(kept) > len(KEYS)
