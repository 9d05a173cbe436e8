"""A Solana JSON-RPC node over plain HTTP, strict about what it is asked and as sloppy in answering as `Sloppiness` says.

Knows what a plain node offers a client, and no more: no WebSocket, no faucet. Shares no code with dexroute.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from tests.e2e.chain import TOKEN, TOKEN_2022, Chain, token_balances

_LEVELS = ("processed", "confirmed", "finalized")
_MOST_IN_A_BATCH = 50
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class Sloppiness:
    """`missing` methods answer -32601. `program_accounts`: how getProgramAccounts is answered: as asked, "unfiltered" (filters and
    slice ignored), or with an error code. Every `limit_every`-th request gets 429 with Retry-After; every `lag_every`-th read is
    answered `lag_slots` in the past, by a node that knows minContextSlot or not. The first `lose` transactions never reach a
    leader; `late` lands each transaction at the last block height it can; `drop_sends` of the first sends are executed but the
    connection closes without an answer. `duplicate_error`: a known transaction is refused. `hang_up`: one request a connection.
    `slots_as_heights`: asked for a block height it answers the slot, while its blockhashes expire by height. `silent`: connections
    are taken and nothing is ever answered. Without `batches` a list of calls is refused. `gap`: slots it was down for, of which its
    ledger has nothing."""

    api_version: bool = True
    missing: frozenset[str] = frozenset()
    program_accounts: str | int = "filtered"
    limit_every: int = 0
    retry_after: str = "0"
    lag_every: int = 0
    lag_slots: int = 6
    knows_min_context_slot: bool = True
    lose: int = 0
    late: bool = False
    drop_sends: int = 0
    duplicate_error: bool = False
    hang_up: bool = False
    slots_as_heights: bool = False
    silent: bool = False
    batches: bool = True
    gap: range = range(0)
    fees: tuple[int, ...] = (0, 0, 1_000, 5_000)


class Fault(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Hangup(Exception):
    """Close the connection without a word."""


class Silence(Exception):
    """Keep the connection and say nothing."""


@dataclass
class Node:
    """`asked` are the methods called in order, `violations` what a client asked that no node has to understand."""

    chain: Chain
    sloppy: Sloppiness = field(default_factory=Sloppiness)
    asked: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    refused: int = 0
    lagged: int = 0
    url: str = ""
    on_request: Callable[[str], None] | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()

    # HTTP/1.1, as little of it as a client needs

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer) and not self.sloppy.hang_up:
                pass
        except (Hangup, ConnectionError, asyncio.IncompleteReadError):
            pass
        except Silence:
            await reader.read()  # until the client gives up
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        extra: list[str] = []
        if not head[0].startswith("POST / ") or headers.get("content-type", "").split(";")[0] != "application/json":
            self.violations.append(f"{head[0]} with {headers}")
            status, answer = "415 Unsupported Media Type", b"Supplied content type is not allowed."
        elif self.sloppy.limit_every and (len(self.asked) + self.refused + 1) % self.sloppy.limit_every == 0:
            self.refused += 1
            status, answer, extra = "429 Too Many Requests", b"slow down", [f"Retry-After: {self.sloppy.retry_after}"]
        else:
            status, answer = "200 OK", json.dumps(self._answers(body)).encode()
        lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(answer)}", *extra]
        if self.sloppy.hang_up:
            lines.append("Connection: close")
        writer.write("\r\n".join([*lines, "", ""]).encode() + answer)
        await writer.drain()
        return True

    # JSON-RPC

    def _answers(self, body: bytes) -> Any:
        calls = json.loads(body)
        if not isinstance(calls, list):
            return self._answer(calls)
        if not self.sloppy.batches:
            return {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid request"}, "id": None}
        if not 0 < len(calls) <= _MOST_IN_A_BATCH:
            self.violations.append(f"a batch of {len(calls)}")
        return [self._answer(call) for call in calls]

    def _answer(self, call: Any) -> dict[str, Any]:
        try:
            method = self._checked(call)
            self.asked.append(method)
            self.chain.requests += 1
            if self.on_request is not None:
                self.on_request(method)
            if self.sloppy.silent:
                raise Silence
            handler = None if method in self.sloppy.missing else getattr(self, f"do_{method}", None)
            if handler is None:
                raise Fault(-32601, "Method not found")
            return {"jsonrpc": "2.0", "result": handler(*call.get("params", [])), "id": call["id"]}
        except Fault as fault:
            if fault.code in (-32600, -32602, -32700):
                self.violations.append(f"{fault}: {str(call)[:300]}")
            known = call["id"] if isinstance(call, dict) and "id" in call else None
            return {"jsonrpc": "2.0", "error": {"code": fault.code, "message": str(fault)}, "id": known}

    def _checked(self, call: Any) -> str:
        if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or not isinstance(call.get("id"), int | str):
            raise Fault(-32600, "Invalid request")
        if set(call) - {"jsonrpc", "id", "method", "params"} or not isinstance(call.get("method"), str):
            raise Fault(-32600, "Invalid request")
        if not isinstance(call.get("params", []), list):
            raise Fault(-32602, "Invalid params: not a list")
        return str(call["method"])

    def _slot(self, config: dict[str, Any], default: str = "finalized") -> int:
        """The slot to answer from. Now and then the one of a node that lags."""
        slot = self.chain.slot_at(_level(config, default))
        if self.sloppy.lag_every and len(self.asked) % self.sloppy.lag_every == 0:
            self.lagged += 1
            slot = max(self.chain.slot, slot - self.sloppy.lag_slots)
        needed = config.get("minContextSlot")
        if needed is not None and (type(needed) is not int or needed < 0):
            raise Fault(-32602, f"Invalid params: minContextSlot {needed!r}")
        if needed is not None and self.sloppy.knows_min_context_slot and needed > slot:
            raise Fault(-32016, "Minimum context slot has not been reached")
        return slot

    def _with_context(self, slot: int, value: Any) -> dict[str, Any]:
        return {"context": {"slot": slot} | ({"apiVersion": "2.3.6"} if self.sloppy.api_version else {}), "value": value}

    # the cluster

    def do_getVersion(self) -> Any:
        return {"solana-core": "2.3.6", "feature-set": 1}

    def do_getGenesisHash(self) -> Any:
        return str(self.chain.blockhash(0))

    def do_getHealth(self) -> Any:
        return "ok"

    def do_getSlot(self, config: Any = None) -> Any:
        return self._slot(_config(config, "commitment", "minContextSlot"))

    def do_getBlockHeight(self, config: Any = None) -> Any:
        return self._height(self._slot(_config(config, "commitment", "minContextSlot")))

    def _height(self, slot: int) -> int:
        return slot if self.sloppy.slots_as_heights else self.chain.height(slot)

    def do_getEpochInfo(self, config: Any = None) -> Any:
        slot = self._slot(_config(config, "commitment", "minContextSlot"))
        shape = {"absoluteSlot": slot, "blockHeight": self._height(slot), "epoch": self.chain.epoch}
        return shape | {"slotIndex": slot % 432_000, "slotsInEpoch": 432_000, "transactionCount": len(self.chain.landed)}

    def do_getBlocksWithLimit(self, start: Any, limit: Any, config: Any = None) -> Any:
        if type(start) is not int or type(limit) is not int or not 0 <= start < 2**64 or not 0 <= limit <= 500_000:
            raise Fault(-32602, f"Invalid params: {start!r}, {limit!r}")
        until = self._slot(_config(config, "commitment", "minContextSlot"))
        return [slot for slot in range(max(start, self.chain.slot), until + 1) if self._has_block(slot)][:limit]

    def do_getBlock(self, slot: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "encoding", "transactionDetails", "maxSupportedTransactionVersion", "rewards")
        if type(slot) is not int or not self.chain.slot <= slot <= self._slot(told) or not self._has_block(slot):
            raise Fault(-32007, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
        height = self.chain.height(slot)
        hashes = {"blockhash": str(self.chain.blockhash(height)), "previousBlockhash": str(self.chain.blockhash(height - 1))}
        return hashes | {"blockHeight": height, "blockTime": None, "parentSlot": slot - 1}

    def _has_block(self, slot: int) -> bool:
        return self.chain.height(slot) > self.chain.height(slot - 1) and slot not in self.sloppy.gap

    def do_getLatestBlockhash(self, config: Any = None) -> Any:
        slot = self._slot(_config(config, "commitment", "minContextSlot"))
        height = self.chain.height(slot)
        last = height + self.chain.pace.hash_blocks
        return self._with_context(slot, {"blockhash": str(self.chain.blockhash(height)), "lastValidBlockHeight": last})

    def do_isBlockhashValid(self, blockhash: Any, config: Any = None) -> Any:
        slot = self._slot(_config(config, "commitment", "minContextSlot"))
        return self._with_context(slot, self.chain.valid_at(_hash(blockhash), slot))

    def do_getMinimumBalanceForRentExemption(self, length: Any, config: Any = None) -> Any:
        _config(config, "commitment")
        if type(length) is not int or length < 0:
            raise Fault(-32602, f"Invalid params: {length!r} is no length")
        return self.chain.rent(length)

    def do_getRecentPrioritizationFees(self, addresses: Any = None) -> Any:
        if len(_list(addresses or [], 128)) and any(_key(a) is None for a in addresses):
            raise Fault(-32602, "Invalid params")
        tip = self.chain.tip()
        return [{"slot": tip - back, "prioritizationFee": fee} for back, fee in enumerate(self.sloppy.fees)]

    # accounts

    def do_getBalance(self, address: Any, config: Any = None) -> Any:
        slot = self._slot(_config(config, "commitment", "minContextSlot"))
        held = self.chain.account(_key(address), slot)
        return self._with_context(slot, held.lamports if held else 0)

    def do_getAccountInfo(self, address: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "minContextSlot", "encoding", "dataSlice")
        slot = self._slot(told)
        return self._with_context(slot, _account(self.chain.account(_key(address), slot), told))

    def do_getMultipleAccounts(self, addresses: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "minContextSlot", "encoding", "dataSlice")
        keys = [_key(address) for address in _list(addresses, 100)]
        slot = self._slot(told)
        return self._with_context(slot, [_account(self.chain.account(key, slot), told) for key in keys])

    def do_getProgramAccounts(self, program: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "minContextSlot", "encoding", "dataSlice", "filters", "withContext")
        key, filters = _key(program), [_filter(one) for one in _list(told.get("filters", []), 4)]
        if isinstance(self.sloppy.program_accounts, int):
            raise Fault(self.sloppy.program_accounts, f"{key} excluded from account secondary indexes; this RPC method unavailable")
        if self.sloppy.program_accounts == "unfiltered":
            filters, told = [], {name: value for name, value in told.items() if name != "dataSlice"}
        slot = self._slot(told)
        found = [(a, held) for a, held in self.chain.owned_by(key, slot) if all(keep(held.data) for keep in filters)]
        entries = [{"pubkey": str(a), "account": _account(held, told)} for a, held in found]
        return self._with_context(slot, entries) if told.get("withContext") else entries

    def do_getTokenAccountsByOwner(self, owner: Any, which: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "minContextSlot", "encoding", "dataSlice")
        if not isinstance(which, dict) or set(which) not in ({"mint"}, {"programId"}):
            raise Fault(-32602, f"Invalid params: {which!r}")
        slot, key = self._slot(told), bytes(_key(owner))
        programs = (_key(which["programId"]),) if "programId" in which else (TOKEN, TOKEN_2022)
        wanted = bytes(_key(which["mint"])) if "mint" in which else b""
        held = [entry for program in programs for entry in self.chain.owned_by(program, slot)]
        accounts = [(a, h) for a, h in held if len(h.data) == 165 or (len(h.data) > 165 and h.data[165] == 2)]
        own = [(a, h) for a, h in accounts if h.data[32:64] == key and h.data[:32].startswith(wanted)]
        return self._with_context(slot, [{"pubkey": str(a), "account": _account(h, told)} for a, h in own])

    # transactions

    def do_simulateTransaction(self, encoded: Any, config: Any = None) -> Any:
        known = ("commitment", "minContextSlot", "encoding", "sigVerify", "replaceRecentBlockhash", "accounts", "innerInstructions")
        told = _config(config, *known)
        transaction = _transaction(encoded, told)
        if told.get("sigVerify") and told.get("replaceRecentBlockhash"):
            raise Fault(-32602, "sigVerify may not be used with replaceRecentBlockhash")
        if told.get("sigVerify") and not all(transaction.verify_with_results()):
            raise Fault(-32003, "Transaction signature verification failure")
        slot = self._slot(told)
        error: Any
        logs: list[str]
        post: dict[Pubkey, Account | None]
        if not told.get("replaceRecentBlockhash") and not self.chain.valid_at(transaction.message.recent_blockhash, slot):
            error, logs, units, post = "BlockhashNotFound", [], 0, {}
        else:
            error, logs, units, post = self.chain.simulate(transaction, slot)
        asked = told.get("accounts")
        accounts = None
        if asked is not None:
            most = len(transaction.message.account_keys) + sum(map(len, self.chain.loaded(transaction, slot) or ()))
            keys = [_key(address) for address in _list(asked["addresses"], most)]
            accounts = [_account(post.get(key, self.chain.account(key, slot)) if error is None else None, asked) for key in keys]
        value = {"err": error, "logs": logs, "unitsConsumed": units, "accounts": accounts, "returnData": None}
        return self._with_context(slot, value)

    def do_sendTransaction(self, encoded: Any, config: Any = None) -> Any:
        told = _config(config, "encoding", "skipPreflight", "preflightCommitment", "maxRetries", "minContextSlot")
        transaction = _transaction(encoded, told)
        if not all(transaction.verify_with_results()):
            raise Fault(-32003, "Transaction signature verification failure")
        signature = transaction.signatures[0]
        self.sent.append(bytes(transaction))
        if signature in self.chain.landed and self.sloppy.duplicate_error:
            raise Fault(-32002, "Transaction simulation failed: This transaction has already been processed")
        if list(dict.fromkeys(self.sent)).index(bytes(transaction)) >= self.sloppy.lose:
            self.chain.submit(transaction, at=self._last_slot(transaction) if self.sloppy.late else None)
        if len(self.sent) <= self.sloppy.drop_sends:
            raise Hangup
        return str(signature)

    def _last_slot(self, transaction: VersionedTransaction) -> int:
        slot = self.chain.tip()
        while self.chain.valid_at(transaction.message.recent_blockhash, slot + 1):
            slot += 1
        return slot

    def do_getSignatureStatuses(self, signatures: Any, config: Any = None) -> Any:
        told = _config(config, "searchTransactionHistory")
        wanted = [_signature(signature) for signature in _list(signatures, 256)]
        slot = self._slot(told, "processed")
        return self._with_context(slot, [self._status(signature, slot) for signature in wanted])

    def _status(self, signature: Signature, slot: int) -> Any:
        landed = self.chain.landed.get(signature)
        if landed is None or landed.slot > slot or landed.slot in self.sloppy.gap:
            return None
        level = next(name for name in reversed(_LEVELS) if name == "processed" or landed.slot <= self.chain.slot_at(name))
        outcome = {"Ok": None} if landed.error is None else {"Err": landed.error}
        left = None if level == "finalized" else slot - landed.slot
        shape = {"slot": landed.slot, "confirmations": left, "err": landed.error, "status": outcome}
        return shape | {"confirmationStatus": level}

    def do_getSignaturesForAddress(self, address: Any, config: Any = None) -> Any:
        told = _config(config, "commitment", "minContextSlot", "limit")
        slot, key = self._slot(told), _key(address)
        named = [(s, found) for s, found in self.chain.landed.items() if key in found.transaction.message.account_keys]
        newest = sorted((one for one in named if one[1].slot <= slot), key=lambda one: -one[1].slot)[: told.get("limit", 1_000)]
        level = {"confirmationStatus": "finalized", "memo": None, "blockTime": None}
        return [{"signature": str(s), "slot": found.slot, "err": found.error, **level} for s, found in newest]

    def do_getTransaction(self, signature: Any, config: Any = None) -> Any:
        told = _config(config, "encoding", "commitment", "maxSupportedTransactionVersion")
        if _level(told, "finalized") == "processed":
            raise Fault(-32602, "Method does not support commitment below `confirmed`")
        landed = self.chain.landed.get(_signature(signature))
        if landed is None or landed.slot > self._slot(told):
            return None
        if told.get("maxSupportedTransactionVersion") is None:
            raise Fault(-32015, "Transaction version (0) is not supported by the requesting client")
        if told.get("encoding") != "base64":
            raise Fault(-32602, "this node tells transactions in base64 only")
        keys = [*landed.transaction.message.account_keys, *landed.loaded[0], *landed.loaded[1]]
        meta = {
            "err": landed.error,
            "status": {"Ok": None} if landed.error is None else {"Err": landed.error},
            "fee": landed.fee,
            "preBalances": [held.lamports if held else 0 for held in landed.before],
            "postBalances": [held.lamports if held else 0 for held in landed.after],
            "preTokenBalances": token_balances(self.chain, keys, landed.before),
            "postTokenBalances": token_balances(self.chain, keys, landed.after),
            "computeUnitsConsumed": landed.units,
            "logMessages": landed.logs,
            "innerInstructions": [],
            "loadedAddresses": {
                kind: [str(key) for key in part] for kind, part in zip(("writable", "readonly"), landed.loaded, strict=True)
            },
            "rewards": [],
        }
        wire = base64.b64encode(bytes(landed.transaction)).decode()
        return {"slot": landed.slot, "blockTime": None, "meta": meta, "transaction": [wire, "base64"], "version": 0}


def _config(config: Any, *known: str) -> dict[str, Any]:
    if config is None:
        return {}
    if not isinstance(config, dict) or set(config) - set(known):
        raise Fault(-32602, f"Invalid params: {config!r} where only {', '.join(known)} are known")
    if any(value is None for value in config.values()):
        raise Fault(-32602, f"Invalid params: null in {config!r}")
    return config


def _level(config: dict[str, Any], default: str) -> str:
    level = config.get("commitment", default)
    if level not in _LEVELS:
        raise Fault(-32602, f"Invalid params: commitment {level!r}")
    return str(level)


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise Fault(-32602, f"Invalid params: {str(value)[:100]} is no list of at most {most}")
    return value


def _key(text: Any) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except (ValueError, TypeError):
        raise Fault(-32602, f"Invalid param: {text!r} is no address") from None


def _signature(text: Any) -> Signature:
    try:
        return Signature.from_string(text)
    except (ValueError, TypeError):
        raise Fault(-32602, f"Invalid param: {text!r} is no signature") from None


def _hash(text: Any) -> Hash:
    try:
        return Hash.from_string(text)
    except (ValueError, TypeError):
        raise Fault(-32602, f"Invalid param: {text!r} is no blockhash") from None


def _transaction(encoded: Any, config: dict[str, Any]) -> VersionedTransaction:
    if config.get("encoding") != "base64":
        raise Fault(-32602, "this node reads base64 only")
    try:
        wire = base64.b64decode(encoded, validate=True)
        transaction = VersionedTransaction.from_bytes(wire)
    except (ValueError, TypeError) as error:
        raise Fault(-32602, f"invalid transaction: {error}") from None
    if len(wire) > 1232 or bytes(transaction) != wire:
        raise Fault(-32602, f"transaction of {len(wire)} bytes is too large or not canonical")
    return transaction


def _filter(one: Any) -> Callable[[bytes], bool]:
    match one:
        case {"dataSize": int(size)} if len(one) == 1:
            return lambda data: len(data) == size
        case {"memcmp": {"offset": int(offset), "bytes": str(text), **rest}} if len(one) == 1 and set(rest) <= {"encoding"}:
            wanted = base64.b64decode(text) if rest.get("encoding") == "base64" else _from_base58(text)
            return lambda data: data[offset : offset + len(wanted)] == wanted
    raise Fault(-32602, f"Invalid params: filter {one!r}")


def _from_base58(text: str) -> bytes:
    number = 0
    for digit in text:
        number = number * 58 + _BASE58.index(digit)
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes(len(text) - len(text.lstrip("1"))) + raw


def _account(held: Account | None, config: dict[str, Any]) -> Any:
    if held is None:
        return None
    if config.get("encoding") != "base64":
        raise Fault(-32602, "this node tells accounts in base64 only")
    part = config.get("dataSlice")
    content = held.data if part is None else held.data[part["offset"] : part["offset"] + part["length"]]
    shape = {"owner": str(held.owner), "lamports": held.lamports, "data": [base64.b64encode(content).decode(), "base64"]}
    return shape | {"executable": held.executable, "rentEpoch": 18446744073709551615, "space": len(held.data)}
