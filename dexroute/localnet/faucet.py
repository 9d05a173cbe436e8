"""Test SOL."""

from __future__ import annotations

from solders.compute_budget import set_compute_unit_limit
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.localnet.bank import Bank
from dexroute.localnet.record import Refused, TransactionRecord


def airdrop(bank: Bank, faucet: Keypair, receiver: Pubkey, lamports: int) -> TransactionRecord | Refused:
    """Send lamports from the faucet. The compute-unit limit counts transactions, so that two equal airdrops in one slot are two
    transactions and not one sent twice."""
    blockhash = bank.blockhashes.of(bank.clock.tip().height)
    instructions = [
        set_compute_unit_limit(10_000 + bank.transaction_count % 1_000_000),
        transfer(TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=receiver, lamports=lamports)),
    ]
    message = MessageV0.try_compile(faucet.pubkey(), instructions, [], blockhash)
    return bank.submit(VersionedTransaction(message, [faucet]))
