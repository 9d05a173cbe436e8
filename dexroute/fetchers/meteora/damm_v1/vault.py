"""A pool's part in a lending vault: shares, what they are worth now, and how deposits and withdrawals change both.

Source: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-vault/src/state.rs (`get_unlocked_amount`, `get_amount_by_share`,
`get_unmint_amount`, `calculate_locked_profit`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteOverflow
from dexroute.fetchers.meteora.damm_v1.program_errors import MATH_OVERFLOW, TOKEN_INSUFFICIENT_FUNDS, VAULT_DISABLED
from dexroute.math.rounding import U64_MAX

_DEGRADATION_SCALE: Final = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultAccounts:
    """The accounts one side of a pool moves tokens and shares through."""

    vault: Pubkey
    cash: Pubkey
    lp_mint: Pubkey
    pool_lp: Pubkey
    protocol_fee: Pubkey


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSide:
    """Base units and vault shares. `total` is the vault's wealth, lent-out funds included, of which `cash` is at hand; `share` of
    all `supply` shares is the pool's. `locked_profit`, reported at unix time `last_report`, is released by `degradation` parts
    of 10^12 a second."""

    accounts: VaultAccounts
    enabled: bool
    total: int
    cash: int
    supply: int
    share: int
    locked_profit: int
    last_report: int
    degradation: int

    def free(self, now: int) -> int:
        """The wealth shares have a claim on at unix time `now`. Raises QuoteOverflow."""
        elapsed = now - self.last_report
        if elapsed < 0:
            raise QuoteOverflow("its vault's last report lies in the future", program_error=MATH_OVERFLOW)
        released = elapsed * self.degradation
        locked = 0
        if released <= _DEGRADATION_SCALE:
            locked = self.locked_profit * (_DEGRADATION_SCALE - released) // _DEGRADATION_SCALE
        if locked > self.total:
            raise QuoteOverflow("its vault locks more profit than it has", program_error=MATH_OVERFLOW)
        return self.total - locked

    def worth(self, now: int) -> int:
        """What the pool's shares are worth: its reserve. Raises QuoteOverflow, ExceedsLiquidity for a vault nobody holds."""
        return self.valued(now)[1]

    def valued(self, now: int) -> tuple[int, int]:
        """(`free`, `worth`) at unix time `now`. Raises as they do."""
        if self.supply == 0:
            raise ExceedsLiquidity("its vault is empty; use another pool", program_error=MATH_OVERFLOW)
        free = self.free(now)
        return free, _u64(self.share * free // self.supply)

    def room(self, now: int) -> int:
        """At least the most that may still come in at unix time `now`: wealth, cash and shares are numbers of 64 bits."""
        room = max(U64_MAX - max(self.total, self.cash), 0)
        try:
            free = self.free(now)
        except QuoteOverflow:
            return 0  # nothing is quoted then
        return min(room, (U64_MAX - self.supply + 1) * free // self.supply) if self.supply > 0 else room

    def minted_for(self, amount: int, free: int) -> int:
        """Shares the pool gets for `amount` that comes in, when `free` is the wealth before. Raises QuoteError."""
        if not self.enabled:
            raise PoolNotTradable(
                "its vault takes no deposits; swap the other way or use another pool", program_error=VAULT_DISABLED
            )
        if free == 0:
            raise ExceedsLiquidity("its vault is empty; use another pool", program_error=MATH_OVERFLOW)
        minted = amount * self.supply // free
        most = max(self.total + amount, self.cash + amount, self.supply + minted, self.share + minted)
        return minted if most <= U64_MAX else _u64(most)

    def worth_after(self, amount: int, minted: int, free: int) -> int:
        """`worth` after that deposit: the locked profit stays, so the wealth with a claim on it grows by all of it. Raises
        QuoteOverflow."""
        return _u64((self.share + minted) * (free + amount) // (self.supply + minted))

    def with_deposit(self, amount: int, minted: int) -> VaultSide:
        """After `amount` came in for `minted` shares of the pool."""
        return replace(
            self,
            total=self.total + amount,
            cash=self.cash + amount,
            supply=self.supply + minted,
            share=self.share + minted,
        )

    def beside(self, before: VaultSide, after: VaultSide) -> VaultSide:
        """This side when another pool's side moved from `before` to `after`: the same vault, where it was as this one has it."""
        if before.accounts.vault != self.accounts.vault:
            return self
        if (before.total, before.cash, before.supply) != (self.total, self.cash, self.supply):
            return self
        return replace(self, total=after.total, cash=after.cash, supply=after.supply)

    def paid_for(self, amount: int, free: int) -> tuple[int, int]:
        """(shares burned, base units paid) when `amount` is withdrawn: both round down; `free` is the wealth before.
        Raises QuoteError."""
        if free == 0 or self.supply == 0:
            raise ExceedsLiquidity("its vault is empty; use another pool", program_error=MATH_OVERFLOW)
        burned = amount * self.supply // free
        return burned, burned * free // self.supply

    def require_payable(self, burned: int, paid: int) -> None:
        """Raises ExceedsLiquidity where the pool's shares or the vault's cash end before that."""
        if burned > self.share or paid > self.cash:
            raise ExceedsLiquidity(
                f"{paid} base units out would have to leave a vault with {self.cash} base units out at hand; ask for less",
                program_error=TOKEN_INSUFFICIENT_FUNDS,
            )

    def with_withdrawal(self, burned: int, paid: int) -> VaultSide:
        """After `burned` shares of the pool were paid out."""
        return replace(self, total=self.total - paid, cash=self.cash - paid, supply=self.supply - burned, share=self.share - burned)


def _u64(value: int) -> int:
    if value > U64_MAX:
        raise QuoteOverflow(
            f"an amount of its vault would be {value}, more than 64 bits; ask for less", program_error=MATH_OVERFLOW
        )
    return value
