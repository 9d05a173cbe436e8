"""Whether legs fit one transaction, as the search asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.engine.routing.landing import OPENING_CALLS, OPENING_UNITS, WRAPPING_UNITS
from dexroute.engine.routing.market import expected_units, swap_calls, swap_compute_units
from dexroute.errors import QuoteError
from dexroute.fetchers.base import Pool, SwapRequest
from dexroute.types.counts import counted
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_PROGRAM_ID
from dexroute.types.network import MAX_COMPUTE_UNITS, MAX_INSTRUCTIONS
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg

_MOST_BYTES: Final = 1_232
_MOST_ACCOUNTS: Final = 64
_KEY_BYTES: Final = 32
# A signature and its count, version, header, blockhash, the lengths of keys, instructions and lookups; two budget instructions.
_FIXED_BYTES: Final = 65 + 1 + 3 + 32 + 3 + 20
_OPENING_BYTES: Final = 10
_WRAPPING_BYTES: Final = 200
_BUDGETING, _WRAPPING = 2, 3  # instructions
_USER: Final = Pubkey(bytes([255]) * 32)
_SYSTEM: Final = Pubkey(bytes(32))
_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")


class TransactionRoom(Protocol):
    """One transaction's bytes, accounts, executed instructions and compute units. A route it refuses is never proposed; fewer legs
    are tried."""

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        """Why these legs, executed in this order, do not fit one transaction (in words for a trader, with the numbers), or None.

        `pools` holds at least the pools of the legs. Pure; called some dozen times per search, so it answers in well under a
        millisecond. Never refuses fewer hops where it accepts more of the same kind.
        """
        ...


class CautiousRoom:
    """What fits whoever the wallet is: no lookup tables, every token account to be opened, SOL wrapped. Planning knows better.

    With `opened`, what may fit a wallet that has every account already, and takes wrapped SOL: what this refuses nobody can send.
    """

    def __init__(self, *, max_accounts: int = _MOST_ACCOUNTS, opened: bool = False) -> None:
        self._max_accounts = max_accounts
        self._opened = opened
        self._swaps: dict[tuple[Pubkey, Pubkey, int], tuple[int, frozenset[Pubkey], int]] = {}

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        keys: set[Pubkey] = {_USER, _BUDGET}
        size, units, executed = _FIXED_BYTES, 0, _BUDGETING
        programs = {mint.address: mint.token_program for leg in legs for hop in leg.hops for mint in pools[hop.pool].mints}
        missing = {hop.output_mint for leg in legs for hop in leg.hops} - {NATIVE_MINT}
        for mint in () if self._opened else missing:
            keys |= {mint, _place(mint), programs[mint], ASSOCIATED_TOKEN_PROGRAM_ID, _SYSTEM}
            size, units, executed = size + _OPENING_BYTES, units + OPENING_UNITS, executed + 1 + OPENING_CALLS
        if not self._opened and any(NATIVE_MINT in (hop.input_mint, hop.output_mint) for leg in legs for hop in leg.hops):
            keys |= {NATIVE_MINT, _place(NATIVE_MINT), TOKEN_PROGRAM_ID, _SYSTEM}
            size, units, executed = size + _WRAPPING_BYTES, units + WRAPPING_UNITS, executed + _WRAPPING
        for leg in legs:
            for hop in leg.hops:
                try:
                    encoded, named, computed = self._swap(pools[hop.pool], hop.input_mint, hop.output_mint, hop.amount_in)
                except QuoteError as error:
                    return f"pool {hop.pool} has no instruction for this swap: {error.message}"
                keys |= named
                size, units = size + encoded, units + computed
                executed += 1 + swap_calls(hop.venue_id)
        size += _KEY_BYTES * len(keys)
        fits = size <= _MOST_BYTES and len(keys) <= self._max_accounts and units <= MAX_COMPUTE_UNITS
        if fits and executed <= MAX_INSTRUCTIONS:
            return None
        hops = sum(len(leg.hops) for leg in legs)
        return (
            f"{counted(len(legs), 'leg')} of {counted(hops, 'hop')} would make a transaction of about {size} bytes, "
            f"{len(keys)} accounts, {executed} executed instructions and {units} compute units; at most {_MOST_BYTES}, "
            f"{self._max_accounts}, {MAX_INSTRUCTIONS} and {MAX_COMPUTE_UNITS} fit without lookup tables"
        )

    def _swap(self, pool: Pool, source: Pubkey, target: Pubkey, amount: int) -> tuple[int, frozenset[Pubkey], int]:
        """The instruction's own bytes, the accounts it names, and its compute units: a power of two stands for all amounts up to
        it."""
        rounded = 1 << amount.bit_length()
        key = (pool.address, source, rounded)
        known = self._swaps.get(key)
        if known is None:
            instruction = _instruction(pool, source, target, rounded, amount)
            metas, content = instruction.accounts, len(instruction.data)
            encoded = 3 + len(metas) + content + (content > 127)
            named = frozenset((instruction.program_id, *(meta.pubkey for meta in metas)))
            told = [expected_units(pool, _asked(source, target, most)) for most in (rounded, amount)]
            units = max(filter(None, told), default=swap_compute_units(pool.venue_id))
            known = self._swaps[key] = encoded, named, units
        return known


class AnyRoom:
    """Refuses nothing: for analysis, where no transaction is to be made."""

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        return None


def _instruction(pool: Pool, source: Pubkey, target: Pubkey, rounded: int, amount: int) -> Instruction:
    def build(most: int) -> Instruction:
        request = SwapRequest(
            quote=_asked(source, target, most), limit=1, user=_USER, source=_place(source), destination=_place(target)
        )
        return pool.swap_instruction(request)

    try:
        return build(rounded)
    except QuoteError:
        return build(amount)


def _asked(source: Pubkey, target: Pubkey, amount: int) -> QuoteRequest:
    return QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=SwapMode.EXACT_IN)


def _place(mint: Pubkey) -> Pubkey:
    """A stand-in for the wallet's account of a mint."""
    return Pubkey(bytes(byte ^ 255 for byte in bytes(mint)))
