"""A token as the SDK hands it out."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.types.amounts import format_ui_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A mint with the name people know it by (the address where no list names it)."""

    mint: Pubkey
    symbol: str
    decimals: int

    def text(self, amount: int) -> str:
        """Base units for people, exactly: `1.5 SOL`."""
        return f"{format_ui_amount(amount, self.decimals)} {self.symbol}"
