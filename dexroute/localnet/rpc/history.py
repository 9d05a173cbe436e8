"""What landed: statuses, transactions, blocks."""

from __future__ import annotations

from typing import Any, Final

from dexroute.localnet.record import TransactionRecord
from dexroute.localnet.rpc.failure import BLOCK_NOT_AVAILABLE, SLOT_SKIPPED, RpcFailure, invalid_params
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Config, Params, signature
from dexroute.localnet.rpc.rendering import ENCODINGS, account_keys, memo_of, rendered, resolved_record
from dexroute.types.chain import Commitment

_RECENT_SLOTS: Final = 300  # how long a node knows a status without searching its history
_MAX_BLOCKS: Final = 500_000


def get_signature_statuses(node: Node, params: Params) -> Any:
    wanted = [signature(value) for value in params.strings(0, limit=256)]
    config = params.config(1)
    moment = node.bank.clock.tip()
    first = 0 if config.flag("searchTransactionHistory") else moment.slot - _RECENT_SLOTS
    records = [node.bank.ledger.transaction(item) for item in wanted]
    statuses = [None if record is None or record.slot < first else _status(node, record) for record in records]
    return node.with_context(moment, statuses)


def get_signatures_for_address(node: Node, params: Params) -> Any:
    address, config = params.pubkey(0), params.config(1)
    commitment = _at_least_confirmed(config)
    moment = node.moment(config)
    limit = config.integer("limit")
    if limit is not None and not 1 <= limit <= 1000:
        raise invalid_params("Invalid limit; max 1000")
    before, until = (config.get(name) and node.bank.ledger.transaction(signature(config.get(name))) for name in ("before", "until"))
    if config.get("before") and before is None:
        return []
    found = node.bank.ledger.transactions_of(
        address,
        below=before.position if before else None,
        above=until.position if until else 0,
        last_slot=moment.slot,
        limit=limit or 1000,
    )
    return [_signature_entry(node, record, commitment) for record in found]


def get_transaction(node: Node, params: Params) -> Any:
    wanted = params.signature(0)
    config = Config({"encoding": params.get(1)}) if isinstance(params.get(1), str) else params.config(1)
    _at_least_confirmed(config)
    moment = node.moment(config)
    encoding = config.text("encoding", ENCODINGS, "json")
    record = node.bank.ledger.transaction(wanted)
    if record is None or record.slot > moment.slot:
        return None
    max_version = config.integer("maxSupportedTransactionVersion")
    return {"slot": record.slot, "blockTime": record.block_time, **rendered(record, encoding, max_version)}


def get_block(node: Node, params: Params) -> Any:
    slot = params.u64(0, "slot")
    config = Config({"encoding": params.get(1)}) if isinstance(params.get(1), str) else params.config(1)
    _at_least_confirmed(config)
    height = _block_height(node, slot, config)
    encoding = config.text("encoding", ENCODINGS, "json")
    details = config.text("transactionDetails", ("full", "accounts", "signatures", "none"), "full")
    max_version = config.integer("maxSupportedTransactionVersion")
    parent = node.bank.clock.moment_of_height(max(0, height - 1))
    block: dict[str, Any] = {
        "blockhash": str(node.bank.blockhashes.of(height)),
        "previousBlockhash": str(node.bank.blockhashes.of(parent.height)),
        "parentSlot": parent.slot,
        "blockHeight": height,
        "blockTime": node.bank.clock.block_time(slot),
        "rewards": [],
    }
    records = node.bank.ledger.transactions_in(slot)
    if details == "full":
        block["transactions"] = [rendered(record, encoding, max_version) for record in records]
    elif details == "accounts":
        block["transactions"] = [_with_accounts_only(record, max_version) for record in records]
    elif details == "signatures":
        block["signatures"] = [str(record.signature) for record in records]
    return block


def get_blocks(node: Node, params: Params) -> Any:
    start = params.u64(0, "startSlot")
    end = params.get(1)
    config = params.config(2) if isinstance(end, int) or end is None else params.config(1)
    _at_least_confirmed(config)
    last = node.moment(config).slot
    last = min(last, end) if isinstance(end, int) else last
    if last - start > _MAX_BLOCKS:
        raise invalid_params(f"Slot range too large; max {_MAX_BLOCKS}")
    return [slot for slot in range(start, last + 1) if node.bank.clock.height_of(slot) is not None]


def get_blocks_with_limit(node: Node, params: Params) -> Any:
    start, limit = params.u64(0, "startSlot"), params.u64(1, "limit")
    if limit > _MAX_BLOCKS:
        raise invalid_params(f"Limit too large; max {_MAX_BLOCKS}")
    config = params.config(2)
    _at_least_confirmed(config)
    last = node.moment(config).slot
    return [slot for slot in range(start, min(last, start + limit - 1) + 1) if node.bank.clock.height_of(slot) is not None]


def get_block_time(node: Node, params: Params) -> Any:
    slot = params.u64(0, "slot")
    _block_height(node, slot, Config({"commitment": "processed"}))
    return node.bank.clock.block_time(slot)


def _block_height(node: Node, slot: int, config: Config) -> int:
    if slot > node.moment(config).slot:
        raise RpcFailure(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
    height = node.bank.clock.height_of(slot)
    if height is None:
        raise RpcFailure(SLOT_SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
    return height


def _status(node: Node, record: TransactionRecord) -> dict[str, Any]:
    commitment = node.bank.clock.commitment_of(record.slot)
    passed = node.bank.clock.tip().slot - record.slot
    return {
        "slot": record.slot,
        "confirmations": None if commitment is Commitment.FINALIZED else passed,
        "err": record.error,
        "status": record.meta["status"],
        "confirmationStatus": commitment.value,
    }


def _signature_entry(node: Node, record: TransactionRecord, asked: Commitment) -> dict[str, Any]:
    status = Commitment.FINALIZED if asked is Commitment.FINALIZED else node.bank.clock.commitment_of(record.slot)
    return {
        "signature": str(record.signature),
        "slot": record.slot,
        "err": record.error,
        "memo": memo_of(record),
        "blockTime": record.block_time,
        "confirmationStatus": status.value,
    }


def _with_accounts_only(record: TransactionRecord, max_version: int | None) -> dict[str, Any]:
    from solders.transaction import VersionedTransaction

    transaction = VersionedTransaction.from_bytes(record.wire)
    body = rendered(record, "base64", max_version)
    keys = account_keys(resolved_record(record, transaction))
    kept = ("err", "status", "fee", "preBalances", "postBalances", "preTokenBalances", "postTokenBalances")
    meta = {name: record.meta[name] for name in kept}
    signatures = [str(item) for item in transaction.signatures]
    return {**body, "transaction": {"signatures": signatures, "accountKeys": keys}, "meta": meta}


def _at_least_confirmed(config: Config) -> Commitment:
    commitment = config.commitment()
    if commitment is Commitment.PROCESSED:
        raise invalid_params("Method does not support commitment below `confirmed`")
    return commitment


METHODS: Final = {
    "getBlock": get_block,
    "getBlockTime": get_block_time,
    "getBlocks": get_blocks,
    "getBlocksWithLimit": get_blocks_with_limit,
    "getSignatureStatuses": get_signature_statuses,
    "getSignaturesForAddress": get_signatures_for_address,
    "getTransaction": get_transaction,
}
