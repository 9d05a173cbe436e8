"""Reading accounts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

from dexroute.localnet import base58
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.rpc.encoding import AccountEncoding
from dexroute.localnet.rpc.failure import RpcFailure, invalid_params
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Config, Params, pubkey, u64
from dexroute.localnet.token_layout import TOKEN_PROGRAMS, holding

MAX_MULTIPLE_ACCOUNTS: Final = 100
_MAX_FILTERS: Final = 4
_MAX_MEMCMP_BYTES: Final = 128
Filter = Callable[[StoredAccount], bool]


def get_account_info(node: Node, params: Params) -> Any:
    config = params.config(1)
    encoding = AccountEncoding.of(config)
    moment = node.moment(config)
    account = node.bank.account(params.pubkey(0), moment.slot)
    lookup = node.reader(moment)
    return node.with_context(moment, None if account is None else encoding.account(account, lookup))


def get_multiple_accounts(node: Node, params: Params) -> Any:
    config = params.config(1)
    encoding = AccountEncoding.of(config, default="base64")
    addresses = [pubkey(value) for value in params.strings(0, limit=MAX_MULTIPLE_ACCOUNTS)]
    moment = node.moment(config)
    lookup = node.reader(moment)
    found = [lookup(address) for address in addresses]
    return node.with_context(moment, [None if account is None else encoding.account(account, lookup) for account in found])


def get_balance(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(1))
    account = node.bank.account(params.pubkey(0), moment.slot)
    return node.with_context(moment, 0 if account is None else account.lamports)


def get_program_accounts(node: Node, params: Params) -> Any:
    config = params.config(1)
    encoding = AccountEncoding.of(config)
    program_id = params.pubkey(0)
    filters = read_filters(config)
    moment = node.moment(config)
    lookup = node.reader(moment)
    found = [
        {"pubkey": str(address), "account": encoding.account(account, lookup)}
        for address, account in node.bank.versions.owned_by(program_id, moment.slot)
        if all(keep(account) for keep in filters)
    ]
    found.sort(key=lambda item: str(item["pubkey"]))
    return node.with_context(moment, found) if config.flag("withContext") else found


def get_minimum_balance_for_rent_exemption(node: Node, params: Params) -> Any:
    length = params.u64(0, "dataLength")
    if length > 10 * 1024 * 1024:
        raise invalid_params(f"Invalid params: no account holds {length} bytes.")
    return node.bank.runtime.rent_exemption(length)


def read_filters(config: Config) -> list[Filter]:
    """getProgramAccounts and programSubscribe filters. Raises RpcFailure -32602."""
    values = config.get("filters") or []
    if not isinstance(values, list) or len(values) > _MAX_FILTERS:
        raise invalid_params(f"Too many filters provided; max {_MAX_FILTERS}")
    return [_filter(value) for value in values]


def _filter(value: Any) -> Filter:
    if value == "tokenAccountState" or (isinstance(value, dict) and "tokenAccountState" in value):
        return lambda account: account.owner in TOKEN_PROGRAMS and holding(account) is not None
    if isinstance(value, dict) and "dataSize" in value:
        size = u64(value["dataSize"], "dataSize")
        return lambda account: len(account.data) == size
    if isinstance(value, dict) and isinstance(value.get("memcmp"), dict):
        memcmp = value["memcmp"]
        offset = u64(memcmp.get("offset"), "offset")
        wanted = _memcmp_bytes(memcmp)
        return lambda account: account.data[offset : offset + len(wanted)] == wanted
    raise _bad_filter("expected `dataSize`, `memcmp` or `tokenAccountState`")


def _memcmp_bytes(memcmp: dict[str, Any]) -> bytes:
    value, encoding = memcmp.get("bytes"), memcmp.get("encoding", "base58")
    try:
        if isinstance(value, list):
            wanted = bytes(value)
        elif not isinstance(value, str) or len(value) > 4 * _MAX_MEMCMP_BYTES:
            raise _bad_filter("bytes must be a short string or an array of bytes")
        elif encoding == "base64":
            wanted = base64.b64decode(value, validate=True)
        else:
            wanted = base58.decode(value)
    except (ValueError, TypeError, binascii.Error):
        raise _bad_filter(f"bytes do not decode as {encoding}") from None
    if len(wanted) > _MAX_MEMCMP_BYTES:
        raise _bad_filter(f"bytes hold more than {_MAX_MEMCMP_BYTES} bytes")
    return wanted


def _bad_filter(reason: str) -> RpcFailure:
    return invalid_params(f"Invalid param: invalid filter: {reason}")


METHODS: Final = {
    "getAccountInfo": get_account_info,
    "getBalance": get_balance,
    "getMinimumBalanceForRentExemption": get_minimum_balance_for_rent_exemption,
    "getMultipleAccounts": get_multiple_accounts,
    "getProgramAccounts": get_program_accounts,
}
