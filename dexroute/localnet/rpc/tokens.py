"""Token accounts and mints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.cluster_clock import Moment
from dexroute.localnet.rpc.encoding import AccountEncoding
from dexroute.localnet.rpc.failure import invalid_params
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Params, pubkey
from dexroute.localnet.token_layout import TOKEN_PROGRAMS, TokenHolding, holding, mint_facts, ui_amount

_LARGEST: Final = 20


def get_token_account_balance(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(1))
    account = node.bank.account(params.pubkey(0), moment.slot)
    if account is None:
        raise invalid_params("Invalid param: could not find account")
    token = holding(account)
    if token is None:
        raise invalid_params("Invalid param: not a Token account")
    mint = mint_facts(node.bank.account(token.mint, moment.slot))
    if mint is None:
        raise invalid_params("Invalid param: could not find mint")
    return node.with_context(moment, ui_amount(token.amount, mint.decimals))


def get_token_supply(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(1))
    account = node.bank.account(params.pubkey(0), moment.slot)
    if account is None:
        raise invalid_params("Invalid param: could not find account")
    mint = mint_facts(account)
    if mint is None:
        raise invalid_params("Invalid param: not a Token mint")
    return node.with_context(moment, ui_amount(mint.supply, mint.decimals))


def get_token_largest_accounts(node: Node, params: Params) -> Any:
    moment = node.moment(params.config(1))
    address = params.pubkey(0)
    mint = mint_facts(node.bank.account(address, moment.slot))
    if mint is None:
        raise invalid_params("Invalid param: not a Token mint")
    found = sorted(
        ((token.amount, str(key)) for key, _, token in _token_accounts(node, moment) if token.mint == address),
        key=lambda item: (-item[0], item[1]),
    )
    return node.with_context(moment, [{"address": key, **ui_amount(amount, mint.decimals)} for amount, key in found[:_LARGEST]])


def get_token_accounts_by_owner(node: Node, params: Params) -> Any:
    owner = params.pubkey(0)
    return _accounts_where(node, params, lambda token: token.owner == owner)


def get_token_accounts_by_delegate(node: Node, params: Params) -> Any:
    delegate = params.pubkey(0)
    return _accounts_where(node, params, lambda token: token.delegate == delegate)


def _accounts_where(node: Node, params: Params, keep: Callable[[TokenHolding], bool]) -> Any:
    config = params.config(2)
    encoding = AccountEncoding.of(config)
    moment = node.moment(config)
    mint, program_id = _mint_or_program(node, params.required(1), moment)
    lookup = node.reader(moment)
    found = [
        {"pubkey": str(address), "account": encoding.account(account, lookup)}
        for address, account, token in _token_accounts(node, moment)
        if account.owner == program_id and keep(token) and (mint is None or token.mint == mint)
    ]
    return node.with_context(moment, sorted(found, key=lambda item: str(item["pubkey"])))


def _mint_or_program(node: Node, value: Any, moment: Moment) -> tuple[Pubkey | None, Pubkey]:
    if isinstance(value, dict) and value.get("mint") is not None:
        mint = pubkey(value["mint"])
        account = node.bank.account(mint, moment.slot)
        if account is None or mint_facts(account) is None:
            raise invalid_params("Invalid param: could not find mint")
        return mint, account.owner
    if isinstance(value, dict) and value.get("programId") is not None:
        program_id = pubkey(value["programId"])
        if program_id not in TOKEN_PROGRAMS:
            raise invalid_params("Invalid param: unrecognized Token program id")
        return None, program_id
    raise invalid_params("Invalid params: expected `mint` or `programId`.")


def _token_accounts(node: Node, moment: Moment) -> Iterator[tuple[Pubkey, StoredAccount, TokenHolding]]:
    for address, account in node.bank.versions.all_at(moment.slot):
        token = holding(account)
        if token is not None:
            yield address, account, token


METHODS: Final = {
    "getTokenAccountBalance": get_token_account_balance,
    "getTokenAccountsByDelegate": get_token_accounts_by_delegate,
    "getTokenAccountsByOwner": get_token_accounts_by_owner,
    "getTokenLargestAccounts": get_token_largest_accounts,
    "getTokenSupply": get_token_supply,
}
