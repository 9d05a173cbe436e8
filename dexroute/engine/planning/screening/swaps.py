"""What the swaps of a message let the chain do at worst: their amounts and limits, added up and held to the order.

The simulation shows what this message would do now; only its limits hold when it lands, in another market.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.engine.planning.screening.calls import Call
from dexroute.engine.planning.screening.evidence import is_token_account_of, own_accounts
from dexroute.engine.planning.screening.policy import SigningPolicy, SwapBounds, refused
from dexroute.errors import NotASwap, PolicyRefused
from dexroute.fetchers.base import SwapCall
from dexroute.types.accounts import AccountData


def check_swaps(
    calls: Sequence[Call],
    bounds: SwapBounds,
    policy: SigningPolicy,
    opened: Mapping[Pubkey, Pubkey],
    before: Mapping[Pubkey, AccountData | None],
) -> None:
    """Every call of a venue is a swap of ours between the wallet's own accounts of the route's mints, through arrays of the very
    pool, and touches nothing else of the wallet. However the market moves they together take at most `max_amount_in` of the input,
    bring at least `min_amount_out` of the output, and of any mint between take no more than they bring. `opened` are the accounts
    the message opens, with their mint. Raises PolicyRefused."""
    takes: defaultdict[Pubkey, int] = defaultdict(int)
    brings: defaultdict[Pubkey, int] = defaultdict(int)
    for call in calls:
        swap = _swap_of(call, policy)
        if swap is None:
            continue
        if swap.user != bounds.wallet:
            raise _unsound(call, f"swaps for {swap.user}, not for the wallet")
        if swap.least_out == 0:
            raise _unsound(call, "swaps with no least output, and would take anything")
        _check_arrays(call, swap, before)
        others = set(call.accounts) - {swap.user, swap.source, swap.destination}
        if not others.isdisjoint(own_accounts(bounds.wallet, others, before)) or not others.isdisjoint(opened):
            raise _unsound(call, "names an account of the wallet that the swap has no use for")
        takes[_mint_of(call, swap.source, bounds, opened, before)] += swap.most_in
        brings[_mint_of(call, swap.destination, bounds, opened, before)] += swap.least_out
    if takes[bounds.input_mint] > bounds.max_amount_in:
        raise refused(
            "limit",
            f"its swaps may spend {takes[bounds.input_mint]} base units of {bounds.input_mint} and the order allows "
            f"{bounds.max_amount_in}",
            mint=str(bounds.input_mint),
            limit=str(takes[bounds.input_mint]),
            max_amount_in=str(bounds.max_amount_in),
        )
    sure = brings[bounds.output_mint] - takes[bounds.output_mint]
    if sure < bounds.min_amount_out:
        raise refused(
            "limit",
            f"its swaps accept {sure} base units of {bounds.output_mint} and the order demands {bounds.min_amount_out}",
            mint=str(bounds.output_mint),
            limit=str(sure),
            min_amount_out=str(bounds.min_amount_out),
        )
    for mint in bounds.mints - {bounds.input_mint, bounds.output_mint}:
        if takes[mint] > brings[mint]:
            raise refused(
                "limit",
                f"its swaps may spend {takes[mint]} base units of {mint}, which is only passed through, and bring {brings[mint]}",
                mint=str(mint),
            )


def _swap_of(call: Call, policy: SigningPolicy) -> SwapCall | None:
    """The swap a call of a venue is; None for calls of other programs."""
    venue = policy.venues.by_program(call.program)
    if venue is None:
        return None
    metas = [AccountMeta(key, is_signer=False, is_writable=False) for key in call.accounts]
    try:
        return venue.decode_swap(Instruction(call.program, call.data, metas))
    except NotASwap as error:
        raise refused(
            "swap", f"instruction {call.index} cannot be read as a swap: {error.message}", instruction=call.index, venue=venue.id
        ) from error


def _check_arrays(call: Call, swap: SwapCall, before: Mapping[Pubkey, AccountData | None]) -> None:
    """The accounts that follow those every swap has are the pool's: what the program made, and made for this pool. Where there is
    no account yet there is nothing to take for one."""
    at = swap.arrays_name_pool_at
    for key in swap.arrays:
        array = before.get(key)
        if array is not None and (array.owner != call.program or array.data[at : at + 32] != bytes(swap.pool)):
            raise _unsound(call, f"passes {key} as an array of pool {swap.pool}, and it is none")


def _mint_of(
    call: Call,
    account: Pubkey,
    bounds: SwapBounds,
    opened: Mapping[Pubkey, Pubkey],
    before: Mapping[Pubkey, AccountData | None],
) -> Pubkey:
    mint = opened.get(account)
    if mint is None:
        held = before.get(account)
        if held is None or not is_token_account_of(bounds.wallet, held):
            raise _unsound(call, f"swaps with {account}, which is no token account of the wallet")
        mint = Pubkey(held.data[:32])
    if mint not in bounds.mints:
        raise _unsound(call, f"swaps {mint}, which is not in the route")
    return mint


def _unsound(call: Call, what: str) -> PolicyRefused:
    return refused("swap", f"instruction {call.index} {what}", instruction=call.index)
