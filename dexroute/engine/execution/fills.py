"""The fill: what the chain did, read from a landed transaction's balances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from solders.message import from_bytes_versioned
from solders.pubkey import Pubkey

from dexroute.engine.execution.network_fee import split_fee
from dexroute.engine.planning.tip import tip_lamports
from dexroute.errors import RpcError
from dexroute.types.chain import LandedTransaction, TokenBalance
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.orders import Attempt, Costs, Fill, Order, Residual, SwapAmounts


def read_fill(order: Order, attempt: Attempt, landed: LandedTransaction) -> Fill:
    """Amounts and costs of `attempt` as it landed. Raises RpcError when the answer cannot be this order's transaction.

    Token amounts are the change over all of the wallet's accounts of a mint. SOL is the change of the wallet's lamports and of all
    its token accounts' lamports together, the transaction fee taken out: rent moved into an account of our own is still ours, an
    account opened and closed on the way leaves no trace, and wrapped SOL counts as SOL. Tips are costs, not part of the swap.
    """
    wallet = _Wallet(order.wallet, frozenset(attempt.tracked), landed)
    network_fee, priority_fee = split_fee(attempt.message, landed.fee_lamports)
    failed = landed.error is not None
    tip = 0 if failed else tip_lamports(from_bytes_versioned(attempt.message))
    sol_change = wallet.sol_change() + landed.fee_lamports + tip
    changes = wallet.token_changes() | {NATIVE_MINT: sol_change}
    wanted = (order.request.input_mint, order.request.output_mint)
    spent, received = -changes.get(wanted[0], 0), changes.get(wanted[1], 0)
    # What is left over between two hops through SOL comes back as lamports when the temporary account closes.
    left_over_sol = sol_change if sol_change > 0 and NATIVE_MINT not in wanted and _passes_through_sol(order) else 0
    rent, refunded = wallet.rent(opened=True), wallet.rent(opened=False)
    residuals = {mint: change for mint, change in changes.items() if change and mint not in (*wanted, NATIVE_MINT)}
    if left_over_sol:
        residuals[NATIVE_MINT] = left_over_sol
    if not failed and (spent <= 0 or received <= 0):
        raise RpcError(
            f"transaction {attempt.signature} landed at slot {landed.slot}, but the node's balances for it ({-spent} of "
            f"{wanted[0]}, {received} of {wanted[1]}) are not those of a swap; ask another RPC endpoint",
            signature=attempt.signature,
            slot=landed.slot,
        )
    assert attempt.signature is not None
    return Fill(
        attempt_id=attempt.id,
        order_id=order.id,
        signature=attempt.signature,
        slot=landed.slot,
        block_time=landed.block_time,
        amounts=SwapAmounts(amount_in=0, amount_out=0) if failed else SwapAmounts(amount_in=spent, amount_out=received),
        costs=Costs(
            network_fee_lamports=network_fee,
            priority_fee_lamports=priority_fee,
            rent_lamports=rent,
            rent_refunded_lamports=refunded,
            other_lamports=tip + (0 if NATIVE_MINT in wanted else left_over_sol - sol_change),
            residuals=tuple(
                Residual(mint=mint, amount=change) for mint, change in sorted(residuals.items(), key=lambda item: bytes(item[0]))
            ),
        ),
        units_consumed=landed.units_consumed,
        wallet_lamports_change=wallet.lamports_change(order.wallet),
        wrapped_lamports_change=wallet.sol_change() - wallet.lamports_change(order.wallet) - rent + refunded,
    )


def wallet_changes(owner: Pubkey, landed: LandedTransaction) -> dict[Pubkey, int]:
    """What a transaction moved for a wallet, base units gained per mint; SOL without the transaction fee. Raises RpcError."""
    wallet = _Wallet(owner, frozenset(), landed)
    return wallet.token_changes() | {NATIVE_MINT: wallet.sol_change() + landed.fee_lamports}


def _passes_through_sol(order: Order) -> bool:
    legs = (order.route or {}).get("legs", ())
    return any(hop["output_mint"] == str(NATIVE_MINT) for leg in legs for hop in leg["hops"][:-1])


class _Wallet:
    """One owner's view of a landed transaction."""

    def __init__(self, owner: Pubkey, tracked: frozenset[Pubkey], landed: LandedTransaction) -> None:
        count = len(landed.account_keys)
        if owner not in landed.account_keys or not count == len(landed.pre_lamports) == len(landed.post_lamports):
            raise RpcError(f"the node's answer about a transaction of {owner} at slot {landed.slot} does not cover that wallet")
        self._position = {key: index for index, key in enumerate(landed.account_keys)}
        self._landed = landed
        self._owner = owner
        self._before = _owned(owner, tracked, landed.pre_token_balances)
        self._after = _owned(owner, tracked, landed.post_token_balances)

    def lamports_change(self, account: Pubkey) -> int:
        index = self._position.get(account)
        if index is None:
            raise RpcError(f"the node reports a token balance of {account}, which the transaction does not name")
        return self._landed.post_lamports[index] - self._landed.pre_lamports[index]

    def sol_change(self) -> int:
        """Lamports gained by the wallet and its token accounts together, fees not taken out."""
        accounts = {self._owner, *self._before, *self._after}
        return sum(self.lamports_change(account) for account in accounts)

    def token_changes(self) -> dict[Pubkey, int]:
        """Base units gained, per mint. Wrapped SOL is left out: it is in `sol_change`."""
        changes: defaultdict[Pubkey, int] = defaultdict(int)
        for balance in self._after.values():
            changes[balance.mint] += balance.amount
        for balance in self._before.values():
            changes[balance.mint] -= balance.amount
        changes.pop(NATIVE_MINT, None)
        return dict(changes)

    def rent(self, *, opened: bool) -> int:
        """Lamports of rent in token accounts that this transaction opened (or closed)."""
        here, there = (self._after, self._before) if opened else (self._before, self._after)
        lamports = self._landed.post_lamports if opened else self._landed.pre_lamports
        return sum(
            lamports[self._position[account]] - (balance.amount if balance.mint == NATIVE_MINT else 0)
            for account, balance in here.items()
            if account not in there
        )


def _owned(owner: Pubkey, tracked: frozenset[Pubkey], balances: Iterable[TokenBalance]) -> dict[Pubkey, TokenBalance]:
    """The wallet's accounts; where a node leaves the owner out, those the attempt was built to write."""
    return {
        balance.account: balance
        for balance in balances
        if balance.owner == owner or (balance.owner is None and balance.account in tracked)
    }
