"""AMM v4 account bytes.

Layout: raydium-io/raydium-amm@27f461d, program/src/state.rs (`AmmInfo`, packed, little endian, no discriminator; `AmmStatus`).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, require_account
from dexroute.fetchers.pool_layout import PoolLayout, PoolSides
from dexroute.fetchers.raydium.amm_v4.addresses import PROGRAM_ID, authority_address
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm
from dexroute.fetchers.raydium.amm_v4.market import decode_market, decode_open_orders, with_unbooked_fills
from dexroute.fetchers.raydium.amm_v4.order_book import OpenOrders, OrderBookRule
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.fetchers.raydium.amm_v4.status import LAST_STATUS, MARKET_MAKING, ORDER_BOOK_ONLY, UNINITIALIZED
from dexroute.types.accounts import AccountSnapshot
from dexroute.types.mints import TOKEN_PROGRAM_ID

POOL_LAYOUT: Final = PoolLayout(
    program_id=PROGRAM_ID,
    discriminator=b"",
    length=752,
    mint_offsets=(400, 432),
    vault_offsets=(336, 368),
    side_names=("coin", "pc"),
)
_OPEN_ORDERS, _MARKET, _MARKET_PROGRAM = 496, 528, 560


def required_accounts(address: Pubkey, known: AccountSnapshot, rule: OrderBookRule) -> frozenset[Pubkey]:
    """Vaults and mints; with an order book that may count also the market and the open orders, and the market's event queue
    only once the open orders turn out to hold something. Raises DecodeError."""
    missing = POOL_LAYOUT.required_accounts(address, known)
    if address not in known.accounts:
        return missing
    reader = POOL_LAYOUT.reader(address, known)
    if not _book_matters(reader.u64(0), rule):
        return missing
    wanted = {reader.pubkey(_OPEN_ORDERS), reader.pubkey(_MARKET)}
    if not wanted - known.accounts.keys() and rule is OrderBookRule.COUNTED:
        program = reader.pubkey(_MARKET_PROGRAM)
        if any(_open_orders(address, reader, known).totals):
            wanted.add(decode_market(known, reader.pubkey(_MARKET), program, pool=address).event_queue)
    return missing | (wanted - known.accounts.keys())


def decode_amm_v4_pool(address: Pubkey, snapshot: AccountSnapshot, rule: OrderBookRule, form: SwapForm) -> AmmV4Pool:
    """The pool, from untrusted bytes. Raises DecodeError naming pool and field."""
    reader = POOL_LAYOUT.reader(address, snapshot)
    status = reader.u64(0)
    if not UNINITIALIZED < status <= LAST_STATUS:
        raise DecodeError(f"pool {address}: status is {status}, expected 1 to 7", pool=str(address), field="pool.status")
    numerator, denominator = reader.u64(176), reader.u64(184)
    if denominator == 0 or numerator > denominator:
        raise DecodeError(
            f"pool {address}: its swap fee is {numerator} / {denominator}, above 100 %", pool=str(address), field="pool.swap_fee"
        )
    sides = POOL_LAYOUT.sides(address, reader, snapshot)
    for name, account in zip(("mint_coin", "mint_pc", "vault_coin", "vault_pc"), _token_accounts(sides), strict=True):
        owner = require_account(snapshot, account, pool=address, field=name).owner
        if owner != TOKEN_PROGRAM_ID:
            raise DecodeError(
                f"pool {address}: {name} {account} is of {owner}; this program knows SPL Token only",
                pool=str(address),
                field=f"{name}.owner",
            )
    program, orders, market = reader.pubkey(_MARKET_PROGRAM), None, None
    if _book_matters(status, rule):
        market = decode_market(snapshot, reader.pubkey(_MARKET), program, pool=address)
        orders = _open_orders(address, reader, snapshot)
        if any(orders.totals) and rule is OrderBookRule.COUNTED:
            owner = reader.pubkey(_OPEN_ORDERS)
            orders = with_unbooked_fills(orders, owner, snapshot, market.event_queue, program, pool=address)
    return AmmV4Pool(
        address=address,
        clock=snapshot.clock,
        mints=sides.mints,
        vaults=sides.vaults,
        vault_amounts=sides.vault_amounts,
        need_take_pnl=(reader.u64(192), reader.u64(200)),
        status=status,
        pool_open_time=reader.u64(224),
        orderbook_to_init_time=reader.u64(248),
        fee_numerator=numerator,
        fee_denominator=denominator,
        authority=_authority(address, reader),
        open_orders_address=reader.pubkey(_OPEN_ORDERS),
        open_orders=orders,
        market=market,
        rule=rule,
        form=form,
    )


def _token_accounts(sides: PoolSides) -> tuple[Pubkey, ...]:
    return (*(mint.address for mint in sides.mints), *sides.vaults)


def _book_matters(status: int, rule: OrderBookRule) -> bool:
    """Whether some build this rule allows for would look at the market. Status 5 is refused unless a build counts orders."""
    if rule is OrderBookRule.COUNTED:
        return status in (MARKET_MAKING, ORDER_BOOK_ONLY)
    return rule is OrderBookRule.UNKNOWN and status == MARKET_MAKING


def _open_orders(address: Pubkey, reader: Reader, snapshot: AccountSnapshot) -> OpenOrders:
    return decode_open_orders(
        snapshot,
        reader.pubkey(_OPEN_ORDERS),
        reader.pubkey(_MARKET),
        reader.pubkey(_MARKET_PROGRAM),
        _authority(address, reader),
        pool=address,
    )


def _authority(address: Pubkey, reader: Reader) -> Pubkey:
    nonce = reader.u64(8)
    authority = authority_address(nonce & 0xFF)  # the program casts to u8
    if authority is None:
        raise DecodeError(f"pool {address}: no authority has the nonce {nonce}", pool=str(address), field="pool.nonce")
    return authority
