"""getTransaction's answer as a LandedTransaction."""

from __future__ import annotations

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.chain.rpc.answers import transaction_error
from dexroute.chain.rpc.fields import Field
from dexroute.types.chain import LandedTransaction, TokenBalance


def landed_transaction(answer: Field, signature: Signature) -> LandedTransaction | None:
    """None for null. Raises RpcError when the answer is malformed, is another transaction's, or lacks its balances."""
    if answer.value is None:
        return None
    meta = answer["meta"]
    keys = _account_keys(answer["transaction"], meta, signature)
    block_time = answer.get("blockTime")
    units = meta.get("computeUnitsConsumed")
    logs = meta.get("logMessages")
    return LandedTransaction(
        slot=answer["slot"].uint(),
        block_time=block_time.value if block_time and type(block_time.value) is int else None,
        error=transaction_error(meta["err"].value),
        fee_lamports=meta["fee"].uint(),
        units_consumed=units.uint() if units else None,
        account_keys=keys,
        pre_lamports=tuple(field.uint() for field in meta["preBalances"].items(len(keys))),
        post_lamports=tuple(field.uint() for field in meta["postBalances"].items(len(keys))),
        pre_token_balances=_token_balances(meta.get("preTokenBalances"), keys),
        post_token_balances=_token_balances(meta.get("postTokenBalances"), keys),
        logs=tuple(line.text() for line in logs.items()) if logs else (),
    )


def _account_keys(transaction: Field, meta: Field, signature: Signature) -> tuple[Pubkey, ...]:
    """The message's keys, then those loaded from lookup tables, writable before readonly: the order balances are in."""
    if isinstance(transaction.value, list):
        keys = _keys_of_wire(transaction, signature)
        complete = False
    else:  # asked for base64, answered as JSON
        entries = transaction["message"]["accountKeys"].items()
        keys = tuple((entry["pubkey"] if isinstance(entry.value, dict) else entry).pubkey() for entry in entries)
        complete = any(isinstance(entry.value, dict) and entry.value.get("source") == "lookupTable" for entry in entries)
    loaded = meta.get("loadedAddresses")
    if loaded is None or complete:
        return keys
    listed = [field for part in ("writable", "readonly") if (some := loaded.get(part)) for field in some.items()]
    return keys + tuple(field.pubkey() for field in listed)


def _keys_of_wire(transaction: Field, signature: Signature) -> tuple[Pubkey, ...]:
    try:
        decoded = VersionedTransaction.from_bytes(transaction.base64())
    except ValueError:
        raise transaction.wrong("a serialized transaction") from None
    if not decoded.signatures or decoded.signatures[0] != signature:
        raise transaction.wrong(f"the transaction {signature}")
    return tuple(decoded.message.account_keys)


def _token_balances(listed: Field | None, keys: tuple[Pubkey, ...]) -> tuple[TokenBalance, ...]:
    if listed is None:
        return ()
    balances = []
    for entry in listed.items():
        index = entry["accountIndex"]
        if index.uint() >= len(keys):
            raise index.wrong(f"an index below {len(keys)}")
        owner = entry.get("owner")
        balances.append(
            TokenBalance(
                account=keys[index.uint()],
                mint=entry["mint"].pubkey(),
                owner=owner.pubkey() if owner else None,
                amount=entry["uiTokenAmount"]["amount"].decimal_text(),
            )
        )
    return tuple(balances)
