"""Opening a pool and putting the first liquidity into it, for demos and test clusters: instructions only, no sockets.

accounts = pool_accounts(usdc, wsol)
instructions = [
    open_pool(accounts, terms, payer=me, admin=me),
    create_associated_account(me, accounts.lp_token),   # engine.planning.token_accounts
    deposit(accounts, {usdc.address: 1_000_000, wsol.address: 5_000_000}, user=me, holdings={...}),
]
"""

from __future__ import annotations

from collections.abc import Mapping

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import UsageError
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.instructions import add_liquidity, initialize_pool
from dexroute.fetchers.pool.pda import PoolAccounts


def open_pool(accounts: PoolAccounts, terms: FeeTerms, *, payer: Pubkey, admin: Pubkey, index: int = 0) -> Instruction:
    """Opens the pool at `accounts` (which derive from the same index). Raises UsageError for terms the program would refuse."""
    fault = terms.fault()
    if fault is not None:
        raise UsageError(f"pool {accounts.pool}: {fault}", pool=str(accounts.pool))
    return initialize_pool(accounts, terms, index=index, payer=payer, admin=admin)


def deposit(
    accounts: PoolAccounts,
    amounts: Mapping[Pubkey, int],
    *,
    user: Pubkey,
    holdings: Mapping[Pubkey, Pubkey],
    min_lp: int = 1,
) -> Instruction:
    """Adds `amounts` (base units by mint, transfer fees included) from `holdings` (token accounts of `user` by mint).

    The first deposit sets the price and takes all of both; a later one takes what fits the price. `holdings` also names the
    account of the LP mint that receives the shares; it must exist. Raises UsageError when a mint or account is missing.
    """
    try:
        a, b = accounts.mints
        return add_liquidity(
            accounts,
            max_amounts=(amounts[a], amounts[b]),
            min_lp=min_lp,
            user=user,
            sources=(holdings[a], holdings[b]),
            user_lp=holdings[accounts.lp_mint],
        )
    except KeyError as missing:
        raise UsageError(
            f"pool {accounts.pool}: no amount or token account given for mint {missing.args[0]}", pool=str(accounts.pool)
        ) from None
