"""The seven instructions of the pool program, by the IDL. Nothing here asks whether the program would accept them."""

from __future__ import annotations

from functools import cache
from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.idl import account_names, build_instruction, discriminator
from dexroute.fetchers.pool.pda import PoolAccounts
from dexroute.fetchers.swap_layout import SwapLayout
from dexroute.types.mints import TOKEN_PROGRAM_ID
from dexroute.types.requests import SwapMode

_SIDES: Final = ("a", "b")


def initialize_pool(accounts: PoolAccounts, terms: FeeTerms, *, index: int, payer: Pubkey, admin: Pubkey) -> Instruction:
    """Open an empty pool; `payer` pays about 0.05 SOL of rent, `admin` will collect protocol fees and set the status."""
    arguments = {
        "index": index,
        "base_fee_ppm": terms.base_fee_ppm,
        "protocol_share_ppm": terms.protocol_share_ppm,
        "dynamic_fee_ppm": terms.dynamic_fee_ppm,
        "max_volatility_bps": terms.max_volatility_bps,
        "filter_period_s": terms.filter_period_s,
        "decay_period_s": terms.decay_period_s,
    }
    named = _pool_side(accounts) | {
        "payer": payer,
        "admin": admin,
        "oracle": accounts.oracle,
        "lp_mint": accounts.lp_mint,
        "token_program": TOKEN_PROGRAM_ID,
        "system_program": SYSTEM_PROGRAM_ID,
    }
    return build_instruction("initialize_pool", arguments, named, accounts.program_id)


def add_liquidity(
    accounts: PoolAccounts,
    *,
    max_amounts: tuple[int, int],
    min_lp: int,
    user: Pubkey,
    sources: tuple[Pubkey, Pubkey],
    user_lp: Pubkey,
) -> Instruction:
    """Deposit at most `max_amounts` of a and b from `sources` (in that order) for at least `min_lp` LP units."""
    arguments = {"max_amount_a": max_amounts[0], "max_amount_b": max_amounts[1], "min_lp": min_lp}
    return build_instruction("add_liquidity", arguments, _liquidity(accounts, user, sources, user_lp), accounts.program_id)


def remove_liquidity(
    accounts: PoolAccounts,
    *,
    lp: int,
    min_amounts: tuple[int, int],
    user: Pubkey,
    destinations: tuple[Pubkey, Pubkey],
    user_lp: Pubkey,
) -> Instruction:
    """Burn `lp` units from `user_lp`; at least `min_amounts` of a and b must arrive in `destinations`."""
    arguments = {"lp": lp, "min_amount_a": min_amounts[0], "min_amount_b": min_amounts[1]}
    return build_instruction("remove_liquidity", arguments, _liquidity(accounts, user, destinations, user_lp), accounts.program_id)


def swap(
    accounts: PoolAccounts,
    index_in: int,
    mode: SwapMode,
    *,
    amount: int,
    limit: int,
    user: Pubkey,
    source: Pubkey,
    destination: Pubkey,
) -> Instruction:
    """Swap mint number `index_in` for the other: `limit` is the least output (exact in) or the most input (exact out)."""
    index_out = 1 - index_in
    named = {
        "user": user,
        "pool": accounts.pool,
        "oracle": accounts.oracle,
        "vault_in": accounts.vaults[index_in],
        "vault_out": accounts.vaults[index_out],
        "user_source": source,
        "user_destination": destination,
        "mint_in": accounts.mints[index_in],
        "mint_out": accounts.mints[index_out],
        "token_program_in": accounts.token_programs[index_in],
        "token_program_out": accounts.token_programs[index_out],
    }
    if mode is SwapMode.EXACT_IN:
        return build_instruction("swap_exact_in", {"amount_in": amount, "min_amount_out": limit}, named, accounts.program_id)
    return build_instruction("swap_exact_out", {"amount_out": amount, "max_amount_in": limit}, named, accounts.program_id)


@cache
def swap_layouts() -> tuple[SwapLayout, ...]:
    """The two swaps as bytes, for reading them back: both carry the amount first and name the same accounts."""
    found = []
    for name, mode in (("swap_exact_in", SwapMode.EXACT_IN), ("swap_exact_out", SwapMode.EXACT_OUT)):
        names = account_names(name)
        found.append(
            SwapLayout(
                mode=mode,
                head=discriminator(name),
                user=names.index("user"),
                pool=names.index("pool"),
                source=names.index("user_source"),
                destination=names.index("user_destination"),
                accounts=len(names),
                most_accounts=len(names),
            )
        )
    return tuple(found)


def collect_protocol_fees(accounts: PoolAccounts, *, admin: Pubkey, destinations: tuple[Pubkey, Pubkey]) -> Instruction:
    """Send all protocol fees of a and b to `destinations`."""
    named = _pool_side(accounts) | {"admin": admin} | _by_side("destination", destinations)
    return build_instruction("collect_protocol_fees", {}, named, accounts.program_id)


def set_pool_status(accounts: PoolAccounts, *, status: int, admin: Pubkey) -> Instruction:
    """Switch off swaps (1), adding (2), removing (4), or any sum of them; 0 switches all on."""
    return build_instruction("set_pool_status", {"status": status}, {"admin": admin, "pool": accounts.pool}, accounts.program_id)


def _pool_side(accounts: PoolAccounts) -> dict[str, Pubkey]:
    pairs = {"mint": accounts.mints, "vault": accounts.vaults, "token_program": accounts.token_programs}
    named = {"pool": accounts.pool}
    for stem, pair in pairs.items():
        named |= _by_side(stem, pair)
    return named


def _by_side(stem: str, pair: tuple[Pubkey, Pubkey]) -> dict[str, Pubkey]:
    return {f"{stem}_{side}": key for side, key in zip(_SIDES, pair, strict=True)}


def _liquidity(accounts: PoolAccounts, user: Pubkey, token_accounts: tuple[Pubkey, Pubkey], user_lp: Pubkey) -> dict[str, Pubkey]:
    return (
        _pool_side(accounts)
        | _by_side("user", token_accounts)
        | {
            "user": user,
            "oracle": accounts.oracle,
            "lp_mint": accounts.lp_mint,
            "user_lp": user_lp,
            "token_program": TOKEN_PROGRAM_ID,
        }
    )
