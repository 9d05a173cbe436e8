"""What open orders promise of a wallet's coins: added up per mint in the transaction that places an order, taken off in the one
that ends it, so that two orders can never count on the same coins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, Select, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from dexroute.errors import FundsPromised
from dexroute.storage.tables import PromisedRow, table_of
from dexroute.types.orders import Order

_PROMISED: Final = table_of(PromisedRow)
_MAKE: Final = postgresql.insert(_PROMISED).on_conflict_do_nothing()
_TOTAL: Final = (
    select(_PROMISED.c.amount)
    .where(
        _PROMISED.c.genesis_hash == bindparam("on_genesis"),
        _PROMISED.c.wallet == bindparam("on_wallet"),
        _PROMISED.c.mint == bindparam("on_mint"),
    )
    .with_for_update()
)
_KEY: Final = ["genesis_hash", "wallet", "mint"]
_NEW_SQLITE, _NEW_POSTGRES = sqlite.insert(_PROMISED), postgresql.insert(_PROMISED)
_SET: Final = {
    "sqlite": _NEW_SQLITE.on_conflict_do_update(index_elements=_KEY, set_={"amount": _NEW_SQLITE.excluded.amount}),
    "postgresql": _NEW_POSTGRES.on_conflict_do_update(index_elements=_KEY, set_={"amount": _NEW_POSTGRES.excluded.amount}),
}


def promise(connection: Connection, order: Order, available: Mapping[Pubkey, int] | None, *, unasked: bool = False) -> None:
    """Add what `order` promises. Raises FundsPromised when others promise coins of the same mints and `available` (what the wallet
    holds, base units; None: not looked at) does not cover both. `unasked` adds without a look: the order was there before."""
    for mint, amount in _of(order):
        others = _locked_total(connection, order, mint)
        held = None if available is None else available.get(mint, 0)
        if others and not unasked and (held is None or others + amount > held):
            unit = f"base units of {mint}"
            raise FundsPromised(
                f"order {order.id} needs {amount} {unit}; open orders of wallet {order.wallet} promise {others} {unit}"
                + (f" of the {held} {unit} it holds" if held is not None else "")
                + ". Wait for them, cancel one (`dex orders list`), or fund the wallet",
                order=order.id,
                wallet=str(order.wallet),
                mint=str(mint),
                needed=str(amount),
                promised=str(others),
                held=None if held is None else str(held),
            )
        _set(connection, order, mint, others + amount)


def release(connection: Connection, order: Order) -> None:
    """Take off what an order that ended had promised."""
    for mint, amount in _of(order):
        _set(connection, order, mint, max(0, _locked_total(connection, order, mint) - amount))


def promised_of(genesis_hash: str, wallet: Pubkey) -> Select[Any]:
    """The totals of one wallet."""
    return select(_PROMISED.c.mint, _PROMISED.c.amount).where(
        _PROMISED.c.genesis_hash == genesis_hash, _PROMISED.c.wallet == str(wallet)
    )


def _of(order: Order) -> list[tuple[Pubkey, int]]:
    """In one order of mints everywhere, so that two transactions never wait for each other."""
    return sorted(((part.mint, part.amount) for part in order.promised), key=lambda part: bytes(part[0]))


def _locked_total(connection: Connection, order: Order, mint: Pubkey) -> int:
    """The total, its row made if need be and locked until this transaction ends."""
    where = {"on_genesis": order.genesis_hash, "on_wallet": str(order.wallet), "on_mint": str(mint)}
    if connection.dialect.name == "postgresql":
        row = {"genesis_hash": order.genesis_hash, "wallet": str(order.wallet), "mint": str(mint), "amount": 0}
        connection.execute(_MAKE, row)
    total = connection.execute(_TOTAL, where).scalar_one_or_none()
    return total or 0


def _set(connection: Connection, order: Order, mint: Pubkey, total: int) -> None:
    row = {"genesis_hash": order.genesis_hash, "wallet": str(order.wallet), "mint": str(mint), "amount": total}
    connection.execute(_SET[connection.dialect.name], row)
