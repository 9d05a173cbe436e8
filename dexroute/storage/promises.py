"""What open orders promise of a wallet's coins: added up per mint in the transaction that places an order, taken off in the one
that ends it, so that two orders can never count on the same coins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from solders.pubkey import Pubkey
from sqlalchemy import Connection, Numeric, Select, bindparam, func, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from dexroute.errors import FundsPromised
from dexroute.storage.tables import PromisedRow, table_of
from dexroute.types.orders import Order

_PROMISED: Final = table_of(PromisedRow)
_MAKE: Final = postgresql.insert(_PROMISED).on_conflict_do_nothing()
_OF_WALLET: Final = (_PROMISED.c.genesis_hash == bindparam("on_genesis"), _PROMISED.c.wallet == bindparam("on_wallet"))
# locked in one order everywhere, so that two transactions never wait for each other
_TOTALS: Final = {
    "sqlite": select(_PROMISED.c.mint, _PROMISED.c.amount).where(
        *_OF_WALLET, _PROMISED.c.mint.in_(bindparam("mints", expanding=True))
    ),
}
_TOTALS["postgresql"] = _TOTALS["sqlite"].order_by(_PROMISED.c.mint.collate("C")).with_for_update()
_TAKE_OFF: Final = (
    update(_PROMISED)
    .where(*_OF_WALLET, _PROMISED.c.mint == bindparam("on_mint"))
    .values(amount=func.greatest(type_coerce(_PROMISED.c.amount, Numeric) - bindparam("ended", type_=Numeric), 0))
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
    mints = _of(order)
    totals = _locked_totals(connection, order, mints)
    for mint, amount in mints.items():
        others = totals.get(str(mint), 0)
        held = None if available is None else available.get(mint, 0)
        if others and not unasked and (held is None or others + amount > held):
            unit = f"base units of {mint}"
            of_held = "" if held is None else f" of the {held} {unit} it holds, {others + amount - held} {unit} too few"
            raise FundsPromised(
                f"the order may take {amount} {unit}, and open orders of wallet {order.wallet} promise {others} {unit}{of_held}; "
                "nothing was placed. Wait for them, cancel one (`dex orders list`), or fund the wallet",
                wallet=str(order.wallet),
                mint=str(mint),
                needed=str(amount),
                promised=str(others),
                held=None if held is None else str(held),
                short=None if held is None else str(others + amount - held),
            )
    _set(connection, order, {mint: totals.get(str(mint), 0) + amount for mint, amount in mints.items()})


def release(connection: Connection, order: Order) -> None:
    """Take off what an order that ended had promised. The last of a step: other orders of the wallet wait from here to its end."""
    if connection.dialect.name == "postgresql":
        release_all(connection, [order])
        return
    mints = _of(order)
    totals = _locked_totals(connection, order, mints)
    _set(connection, order, {mint: max(0, totals.get(str(mint), 0) - amount) for mint, amount in mints.items()})


def release_all(connection: Connection, ended: Sequence[Order]) -> None:
    """On PostgreSQL what many orders had promised, each wallet's mints once, locked in one order."""
    amounts: Counter[tuple[str, str, str]] = Counter()
    for order in ended:
        for mint, amount in _of(order).items():
            amounts[order.genesis_hash, str(order.wallet), str(mint)] += amount
    if amounts:
        names = ("on_genesis", "on_wallet", "on_mint")
        connection.execute(_TAKE_OFF, [dict(zip(names, of, strict=True)) | {"ended": amounts[of]} for of in sorted(amounts)])


def promised_of(genesis_hash: str, wallet: Pubkey) -> Select[Any]:
    """The totals of one wallet."""
    return select(_PROMISED.c.mint, _PROMISED.c.amount).where(
        _PROMISED.c.genesis_hash == genesis_hash, _PROMISED.c.wallet == str(wallet)
    )


def _of(order: Order) -> dict[Pubkey, int]:
    """Base units by mint, in the order in which they are locked."""
    return {part.mint: part.amount for part in sorted(order.promised, key=lambda part: str(part.mint))}


def _locked_totals(connection: Connection, order: Order, mints: Collection[Pubkey]) -> dict[str, int]:
    """What open orders promise of these, the rows made if need be and locked until this transaction ends."""
    if not mints:
        return {}
    if connection.dialect.name == "postgresql":
        connection.execute(_MAKE, [_row(order, mint, 0) for mint in mints])
    wanted = {"on_genesis": order.genesis_hash, "on_wallet": str(order.wallet), "mints": [str(mint) for mint in mints]}
    return {row.mint: row.amount for row in connection.execute(_TOTALS[connection.dialect.name], wanted)}


def _set(connection: Connection, order: Order, totals: Mapping[Pubkey, int]) -> None:
    if totals:
        connection.execute(_SET[connection.dialect.name], [_row(order, mint, total) for mint, total in totals.items()])


def _row(order: Order, mint: Pubkey, amount: int) -> dict[str, Any]:
    return {"genesis_hash": order.genesis_hash, "wallet": str(order.wallet), "mint": str(mint), "amount": amount}
