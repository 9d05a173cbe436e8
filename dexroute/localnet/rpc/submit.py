"""Simulating, sending, and the faucet."""

from __future__ import annotations

from typing import Any, Final

from solders.hash import Hash
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.blockhashes import MAX_AGE_BLOCKS
from dexroute.localnet.cluster_clock import Moment
from dexroute.localnet.faucet import airdrop
from dexroute.localnet.meta import return_data
from dexroute.localnet.record import Refused
from dexroute.localnet.resolved import UnresolvedError, resolve
from dexroute.localnet.rpc.encoding import AccountEncoding
from dexroute.localnet.rpc.error_text import transaction_error_text
from dexroute.localnet.rpc.failure import (
    INTERNAL_ERROR,
    PREFLIGHT_FAILURE,
    SIGNATURE_VERIFICATION_FAILURE,
    RpcFailure,
    invalid_params,
)
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Config, Params, pubkey
from dexroute.localnet.rpc.parsed_instructions import parsed_inner_instructions
from dexroute.localnet.rpc.wire import read_transaction
from dexroute.localnet.runtime import Execution

_ENCODINGS: Final = ("base58", "base64")


def simulate_transaction(node: Node, params: Params) -> Any:
    config = params.config(1)
    transaction = read_transaction(params.string(0), config.text("encoding", _ENCODINGS, "base58"))
    moment = node.moment(config)
    verify, replace = config.flag("sigVerify"), config.flag("replaceRecentBlockhash")
    if verify and replace:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    if verify:
        _verify(transaction)
    replacement: dict[str, Any] | None = None
    if replace:
        replacement = {
            "blockhash": str(node.bank.blockhashes.of(moment.height)),
            "lastValidBlockHeight": moment.height + MAX_AGE_BLOCKS,
        }
        transaction = _with_blockhash(transaction, node.bank.blockhashes.of(moment.height))
    wanted = _wanted_accounts(config, transaction)
    execution = node.bank.simulate(transaction, at=moment, verify=False)
    value = _simulation(node, moment, transaction, execution, inner=config.flag("innerInstructions"))
    value["accounts"] = None if wanted is None else _post_accounts(node, moment, execution, *wanted)
    if replacement is not None:
        value["replacementBlockhash"] = replacement
    return node.with_context(moment, value)


def send_transaction(node: Node, params: Params) -> Any:
    """Returns the signature. With skipPreflight that says nothing about landing, exactly as on a cluster."""
    config = params.config(1)
    transaction = read_transaction(params.string(0), config.text("encoding", _ENCODINGS, "base58"))
    config.integer("maxRetries")
    moment = node.moment(config, commitment="preflightCommitment")
    if not config.flag("skipPreflight"):
        _verify(transaction)
        execution = node.bank.simulate(transaction, at=moment, verify=False)
        if execution.error is not None:
            value = {**_simulation(node, moment, transaction, execution, inner=False), "accounts": None}
            text = transaction_error_text(execution.error)
            raise RpcFailure(PREFLIGHT_FAILURE, f"Transaction simulation failed: {text}", value)
    node.bank.submit(transaction)
    return str(transaction.signatures[0])


def request_airdrop(node: Node, params: Params) -> Any:
    receiver, lamports = params.pubkey(0), params.u64(1, "lamports")
    node.moment(params.config(2))
    outcome = airdrop(node.bank, node.genesis.faucet, receiver, lamports)
    if isinstance(outcome, Refused):
        raise RpcFailure(INTERNAL_ERROR, f"airdrop of {lamports} lamports refused: {transaction_error_text(outcome.error)}")
    if outcome.error is not None:
        raise RpcFailure(
            INTERNAL_ERROR, f"airdrop of {lamports} lamports failed: {transaction_error_text(outcome.error)} (is the faucet empty?)"
        )
    return str(outcome.signature)


def _verify(transaction: VersionedTransaction) -> None:
    if not all(transaction.verify_with_results()):
        raise RpcFailure(SIGNATURE_VERIFICATION_FAILURE, "Transaction signature verification failure")


def _with_blockhash(transaction: VersionedTransaction, blockhash: Hash) -> VersionedTransaction:
    old = transaction.message
    message: Message | MessageV0
    if isinstance(old, MessageV0):
        message = MessageV0(old.header, old.account_keys, blockhash, old.instructions, old.address_table_lookups)
    else:
        header = old.header
        message = Message.new_with_compiled_instructions(
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
            old.account_keys,
            blockhash,
            old.instructions,
        )
    # Signatures of the old message would read as a duplicate of a landed one.
    return VersionedTransaction.populate(message, [Signature.default()] * len(transaction.signatures))


def _simulation(
    node: Node, moment: Moment, transaction: VersionedTransaction, execution: Execution, *, inner: bool
) -> dict[str, Any]:
    value: dict[str, Any] = {
        "err": execution.error,
        "logs": list(execution.logs),
        "unitsConsumed": execution.units_consumed,
        "returnData": return_data(execution),
        "innerInstructions": None,
        "loadedAccountsDataSize": 0,
    }
    try:
        resolved = resolve(transaction, node.reader(moment), moment.slot)
    except UnresolvedError:
        return value
    sizes = (len(account.data) for account in map(node.reader(moment), resolved.keys) if account is not None)
    value["loadedAccountsDataSize"] = sum(sizes)
    if inner:
        value["innerInstructions"] = parsed_inner_instructions(execution.inner_instructions, resolved.keys)
    return value


def _wanted_accounts(config: Config, transaction: VersionedTransaction) -> tuple[list[Pubkey], AccountEncoding] | None:
    value = config.get("accounts")
    if value is None:
        return None
    wanted = Config(value)
    encoding = AccountEncoding.of(wanted, default="base64")
    if encoding.encoding in ("binary", "base58"):
        raise invalid_params("base58 encoding not supported")
    addresses = wanted.get("addresses")
    if not isinstance(addresses, list):
        raise invalid_params("Invalid params: accounts must have addresses.")
    message = transaction.message
    lookups = message.address_table_lookups if isinstance(message, MessageV0) else []
    most = len(message.account_keys) + sum(len(item.writable_indexes) + len(item.readonly_indexes) for item in lookups)
    if len(addresses) > most:
        raise invalid_params(f"Too many accounts provided; max {most}")
    return [pubkey(address) for address in addresses], encoding


def _post_accounts(
    node: Node, moment: Moment, execution: Execution, addresses: list[Pubkey], encoding: AccountEncoding
) -> list[Any]:
    if execution.error is not None:
        return [None] * len(addresses)

    before = node.reader(moment)

    def lookup(address: Pubkey) -> StoredAccount | None:
        return execution.post[address] if address in execution.post else before(address)

    found = [lookup(address) for address in addresses]
    return [None if account is None else encoding.account(account, lookup) for account in found]


METHODS: Final = {
    "requestAirdrop": request_airdrop,
    "sendTransaction": send_transaction,
    "simulateTransaction": simulate_transaction,
}
