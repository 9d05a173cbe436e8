"""What open orders promise, added up beside the totals the journal keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from solders.pubkey import Pubkey

from dexroute.engine.execution.invariants.rules import Rule, Violation
from dexroute.types.orders import Order

Promiser = tuple[str, Pubkey, Pubkey]
"""Genesis hash, wallet, mint."""


class PromisedTotals:
    """Grows with the wallets and mints of open orders, not with orders."""

    def __init__(self) -> None:
        self._promised: Counter[Promiser] = Counter()

    def add(self, order: Order) -> None:
        if order.is_open:
            for part in order.promised:
                self._promised[(order.genesis_hash, order.wallet, part.mint)] += part.amount

    def compare(self, kept: Mapping[Promiser, int]) -> Iterator[Violation]:
        """`kept` are the totals of the journal, base units."""
        for key in sorted({*kept, *self._promised}, key=str):
            total, promised = kept.get(key, 0), self._promised[key]
            if total != promised:
                _, wallet, mint = key
                detail = f"{total} base units of {mint} are held back for wallet {wallet}, its open orders promise {promised}"
                yield Violation(rule=Rule.PROMISED, detail=detail)
