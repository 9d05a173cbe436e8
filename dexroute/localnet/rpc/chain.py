"""Slots, blockhashes, epochs, and who this node is."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from solders.hash import Hash, ParseHashError
from solders.message import from_bytes_versioned
from solders.signature import Signature
from solders.transaction import SanitizeError, VersionedTransaction

from dexroute.localnet.blockhashes import MAX_AGE_BLOCKS
from dexroute.localnet.fees import transaction_fee
from dexroute.localnet.rpc.failure import NO_SNAPSHOT, RpcFailure, invalid_params
from dexroute.localnet.rpc.node import API_VERSION, Node
from dexroute.localnet.rpc.params import Params
from dexroute.types.chain import Commitment


def get_slot(node: Node, params: Params) -> Any:
    return node.moment(params.config(0)).slot


def get_block_height(node: Node, params: Params) -> Any:
    return node.moment(params.config(0)).height


def get_latest_blockhash(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(0))
    blockhash = str(node.bank.blockhashes.of(moment.height))
    return node.with_context(moment, {"blockhash": blockhash, "lastValidBlockHeight": moment.height + MAX_AGE_BLOCKS})


def is_blockhash_valid(node: Node, params: Params) -> Any:
    blockhash = _hash(params.string(0))
    moment = node.moment(params.config(1))
    return node.with_context(moment, node.bank.blockhashes.is_valid(blockhash, moment.height))


def get_fee_for_message(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(1))
    try:
        message = from_bytes_versioned(base64.b64decode(params.string(0), validate=True))
        VersionedTransaction.populate(message, [Signature.default()] * message.header.num_required_signatures).sanitize()
    except (ValueError, binascii.Error, SanitizeError) as error:
        raise invalid_params(f"Invalid params: not a base64 message: {error}") from None
    if not node.bank.blockhashes.is_valid(message.recent_blockhash, moment.height):
        return node.with_context(moment, None)
    return node.with_context(moment, transaction_fee(message).total_lamports)


def get_epoch_info(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(0))
    slots = node.genesis.slots_per_epoch
    return {
        "absoluteSlot": moment.slot,
        "blockHeight": moment.height,
        "epoch": moment.slot // slots,
        "slotIndex": moment.slot % slots,
        "slotsInEpoch": slots,
        "transactionCount": node.bank.transaction_count,
    }


def get_epoch_schedule(node: Node, params: Params) -> Any:
    slots = node.genesis.slots_per_epoch
    return {
        "slotsPerEpoch": slots,
        "leaderScheduleSlotOffset": slots,
        "warmup": False,
        "firstNormalEpoch": 0,
        "firstNormalSlot": 0,
    }


def get_health(node: Node, params: Params) -> Any:
    return "ok"


def get_version(node: Node, params: Params) -> Any:
    return {"solana-core": API_VERSION, "feature-set": 0}


def get_genesis_hash(node: Node, params: Params) -> Any:
    return str(node.genesis.hash)


def get_identity(node: Node, params: Params) -> Any:
    return {"identity": str(node.genesis.identity)}


def get_slot_leader(node: Node, params: Params) -> Any:
    node.moment(params.config(0))
    return str(node.genesis.identity)


def get_slot_leaders(node: Node, params: Params) -> Any:
    limit = params.u64(1, "limit")
    if limit > 5000:
        raise invalid_params("Invalid limit; max 5000")
    return [str(node.genesis.identity)] * limit


def get_cluster_nodes(node: Node, params: Params) -> Any:
    return [{"pubkey": str(node.genesis.identity), "version": API_VERSION, "featureSet": 0, "shredVersion": 0}]


def get_transaction_count(node: Node, params: Params) -> Any:
    node.moment(params.config(0))
    return node.bank.transaction_count


def get_supply(node: Node, params: Params) -> Any:
    """Everything on this cluster circulates."""
    moment = node.moment(params.config(0))
    total = sum(account.lamports for _, account in node.bank.versions.all_at(moment.slot))
    return node.with_context(moment, {"total": total, "circulating": total, "nonCirculating": 0, "nonCirculatingAccounts": []})


def get_vote_accounts(node: Node, params: Params) -> Any:
    """Nobody votes here."""
    return {"current": [], "delinquent": []}


def get_highest_snapshot_slot(node: Node, params: Params) -> Any:
    raise RpcFailure(NO_SNAPSHOT, "No snapshot")


def zero(node: Node, params: Params) -> Any:
    """Nothing is ever cleaned up here, so the first block is the first."""
    return 0


def get_recent_prioritization_fees(node: Node, params: Params) -> Any:
    """The least price paid in each of the last 150 blocks, by transactions that wrote the given accounts (agave
    prioritization_fee_cache: the greater of the block's minimum and those accounts' minima)."""
    addresses = frozenset(str(value) for value in params.strings(0, limit=128)) if params.get(0) is not None else frozenset()
    tip = node.bank.clock.at(Commitment.PROCESSED)
    first = node.bank.clock.moment_of_height(max(0, tip.height - MAX_AGE_BLOCKS + 1)).slot
    prices: dict[int, dict[str, int]] = {}
    for landing in node.bank.landings_since(first):
        block = prices.setdefault(landing.record.slot, {})
        for key in ("", *(addresses & {str(address) for address in landing.locked})):
            block[key] = min(block.get(key, landing.price_micro_lamports), landing.price_micro_lamports)
    heights = range(max(0, tip.height - MAX_AGE_BLOCKS + 1), tip.height + 1)
    slots = [node.bank.clock.moment_of_height(height).slot for height in heights]
    return [{"slot": slot, "prioritizationFee": max(prices.get(slot, {}).values(), default=0)} for slot in slots]


def _hash(text: str) -> Hash:
    try:
        return Hash.from_string(text)
    except ParseHashError:
        raise invalid_params("Invalid param: Invalid") from None


METHODS: Final = {
    "getBlockHeight": get_block_height,
    "getClusterNodes": get_cluster_nodes,
    "getEpochInfo": get_epoch_info,
    "getEpochSchedule": get_epoch_schedule,
    "getFeeForMessage": get_fee_for_message,
    "getFirstAvailableBlock": zero,
    "getGenesisHash": get_genesis_hash,
    "getHealth": get_health,
    "getHighestSnapshotSlot": get_highest_snapshot_slot,
    "getIdentity": get_identity,
    "getLatestBlockhash": get_latest_blockhash,
    "getRecentPrioritizationFees": get_recent_prioritization_fees,
    "getSlot": get_slot,
    "getSlotLeader": get_slot_leader,
    "getSlotLeaders": get_slot_leaders,
    "getSupply": get_supply,
    "getTransactionCount": get_transaction_count,
    "getVersion": get_version,
    "getVoteAccounts": get_vote_accounts,
    "isBlockhashValid": is_blockhash_valid,
    "minimumLedgerSlot": zero,
}
