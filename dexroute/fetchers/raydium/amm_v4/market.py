"""What a pool's OpenBook market and open-orders account hold of it.

Layouts: project-serum/serum-dex, dex/src/state.rs (`MarketState`, `OpenOrders`): "serum", account flags u64, fields, "padding".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError
from dexroute.fetchers.layout import Reader, checked_reader, require_account
from dexroute.fetchers.raydium.amm_v4.order_book import OpenOrders, unbooked_fills
from dexroute.types.accounts import AccountSnapshot

MARKET_LENGTH: Final = 388
OPEN_ORDERS_LENGTH: Final = 3228
_HEAD: Final = b"serum"
_MARKET_FLAGS, _OPEN_ORDERS_FLAGS, _EVENT_QUEUE_FLAGS = 0b11, 0b101, 0b10001
_EVENT_QUEUE_LEAST: Final = 37 + 88


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The accounts a swap passes through to the market program."""

    program: Pubkey
    address: Pubkey
    bids: Pubkey
    asks: Pubkey
    event_queue: Pubkey
    coin_vault: Pubkey
    pc_vault: Pubkey
    vault_signer: Pubkey


def decode_market(snapshot: AccountSnapshot, address: Pubkey, program: Pubkey, *, pool: Pubkey) -> Market:
    """Raises DecodeError."""
    reader = _reader(snapshot, address, program, MARKET_LENGTH, _MARKET_FLAGS, pool=pool, field="market")
    nonce = reader.u64(45)
    try:
        signer = Pubkey.create_program_address([bytes(address), nonce.to_bytes(8, "little")], program)
    except Exception as error:  # solders raises its own kind for a point on the curve
        message = f"pool {pool}: market {address} has the vault nonce {nonce}, which gives no address"
        raise DecodeError(message, pool=str(pool), field="market.vault_signer_nonce") from error
    return Market(
        program=program,
        address=address,
        bids=reader.pubkey(285),
        asks=reader.pubkey(317),
        event_queue=reader.pubkey(253),
        coin_vault=reader.pubkey(117),
        pc_vault=reader.pubkey(165),
        vault_signer=signer,
    )


def decode_open_orders(
    snapshot: AccountSnapshot, address: Pubkey, market: Pubkey, program: Pubkey, authority: Pubkey, *, pool: Pubkey
) -> OpenOrders:
    """The pool's funds in the market, before unbooked fills. Raises DecodeError."""
    reader = _reader(snapshot, address, program, OPEN_ORDERS_LENGTH, _OPEN_ORDERS_FLAGS, pool=pool, field="open_orders")
    if (reader.pubkey(13), reader.pubkey(45)) != (market, authority):
        raise DecodeError(
            f"pool {pool}: open orders {address} belong to {reader.pubkey(45)} on market {reader.pubkey(13)}",
            pool=str(pool),
            field="open_orders.owner",
        )
    free, totals = (reader.u64(77), reader.u64(93)), (reader.u64(85), reader.u64(101))
    if free[0] > totals[0] or free[1] > totals[1]:
        raise DecodeError(
            f"pool {pool}: open orders {address} hold more free funds than funds", pool=str(pool), field="open_orders.totals"
        )
    return OpenOrders(free=free, totals=totals)


def with_unbooked_fills(
    orders: OpenOrders, owner: Pubkey, snapshot: AccountSnapshot, event_queue: Pubkey, program: Pubkey, *, pool: Pubkey
) -> OpenOrders:
    """The same funds with the fills still in the market's event queue. Raises DecodeError."""
    account = require_account(snapshot, event_queue, pool=pool, field="event_queue")
    length = max(len(account.data), _EVENT_QUEUE_LEAST)
    queue = _reader(snapshot, event_queue, program, length, _EVENT_QUEUE_FLAGS, pool=pool, field="event_queue")
    bid_fills, ask_fills = unbooked_fills(queue, bytes(owner))
    whole = OpenOrders(free=orders.free, totals=orders.totals, bid_fills=bid_fills, ask_fills=ask_fills)
    if min(*whole.funds, whole.available(0) - whole.free[0], whole.available(1) - whole.free[1]) < 0:
        raise DecodeError(
            f"pool {pool}: the fills in the event queue exceed its open orders", pool=str(pool), field="event_queue.events"
        )
    return whole


def _reader(
    snapshot: AccountSnapshot, address: Pubkey, program: Pubkey, length: int, flags: int, *, pool: Pubkey, field: str
) -> Reader:
    account = require_account(snapshot, address, pool=pool, field=field)
    return checked_reader(
        account, pool=pool, field=field, owner=program, discriminator=_HEAD + flags.to_bytes(8, "little"), length=length
    )
