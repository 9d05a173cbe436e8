"""From a route to the instructions that carry it out.

SOL is wrapped, once for all legs, into a temporary account that the same transaction opens and closes (its address derives from
the wallet and a seed nobody can guess beforehand). So a swap from SOL spends lamports only, a swap to SOL pays out lamports only,
and the wrapped SOL a user keeps in an associated account is never touched. With `wrap_sol=False` it is a token like any other.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.engine.planning.limits import hop_request, leg_limits, leg_requests
from dexroute.engine.planning.route_rules import check_route
from dexroute.engine.planning.tip import Tip, tip_instruction
from dexroute.engine.planning.token_accounts import (
    associated_account_length,
    associated_token_address,
    close_to_owner,
    create_associated_account,
    open_temporary_sol,
    temporary_sol_address,
)
from dexroute.engine.planning.wallet import Wallet
from dexroute.engine.routing import RouteQuote
from dexroute.fetchers.base import Pool, SwapRequest, limit_slack
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.types.mints import NATIVE_MINT, Mint
from dexroute.types.requests import QuoteRequest, SwapMode

TIP_STEP: Final = "tip Jito"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction of the plan, named for error messages; `hop` is its place among all hops when it is a swap."""

    label: str
    instruction: Instruction
    hop: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAccount:
    """A token account the plan opens: `length` bytes decide its rent. `temporary` ones close in the same transaction."""

    address: Pubkey
    mint: Pubkey
    length: int
    temporary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where the wallet holds one mint of the route: a token account that stays, or None for native SOL (the wallet itself)."""

    mint: Pubkey
    account: Pubkey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapPlan:
    """Everything a message needs but the compute budget and a blockhash. `places` hold each of the route's mints once: the input,
    the intermediates as they are met, the output. `limit` is min_amount_out (exact in) or max_amount_in (exact out) of all legs
    together. `venues` are (venue id, program) of each hop, leg by leg. `lookup_tables` are those a message takes, which it needs
    to fit one transaction."""

    wallet: Wallet
    request: QuoteRequest
    quote: RouteQuote
    limit: int
    steps: tuple[Step, ...]
    opened: tuple[OpenedAccount, ...]
    places: tuple[TokenPlace, ...]
    venues: tuple[tuple[str, Pubkey], ...]
    lookup_tables: tuple[AddressLookupTableAccount, ...] = ()

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        return tuple(step.instruction for step in self.steps)

    @property
    def max_amount_in(self) -> int:
        """The most that can leave the wallet, base units of the input mint."""
        return self.request.amount if self.request.mode is SwapMode.EXACT_IN else self.limit

    @property
    def min_amount_out(self) -> int:
        """The least that must arrive, base units of the output mint."""
        return self.limit if self.request.mode is SwapMode.EXACT_IN else self.request.amount

    @property
    def tracked(self) -> tuple[Pubkey, ...]:
        """The wallet's own accounts the transaction writes and leaves open: itself, then token accounts, input to output."""
        return (self.wallet.user, *(place.account for place in self.places if place.account is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """`wrap_sol`: the SOL mint means native SOL. `seed` names the temporary account, at most 32 bytes of ASCII; a random one
    keeps strangers from occupying its address first."""

    wrap_sol: bool = True
    seed: str = field(default_factory=lambda: secrets.token_hex(16))


def route_mints(quote: RouteQuote, pools: Mapping[Pubkey, Pool]) -> tuple[Mint, ...]:
    """The mints of a route, each once: the input, the intermediates in the order the legs meet them, the output."""
    hops = quote.route.hops
    known = {mint.address: mint for hop in hops for mint in pools[hop.pool].mints}
    between = dict.fromkeys(hop.output_mint for leg in quote.route.legs for hop in leg.hops[:-1])
    return tuple(known[address] for address in (hops[0].input_mint, *between, hops[-1].output_mint))


def held_mints(mints: Iterable[Mint], *, wrap_sol: bool) -> tuple[Mint, ...]:
    """The mints a wallet needs token accounts of its own for."""
    return tuple(mint for mint in mints if not (wrap_sol and mint.address == NATIVE_MINT))


def plan_swap(
    quote: RouteQuote,
    pools: Mapping[Pubkey, Pool],
    request: QuoteRequest,
    wallet: Wallet,
    *,
    limit: int,
    temporary_rent_lamports: int,
    options: PlanOptions | None = None,
) -> SwapPlan:
    """Instructions in order: open what is missing, wrap SOL, swap leg by leg and hop by hop within limits, unwrap.

    Accounts are opened and SOL is wrapped once for all legs. `limit` is shared out over the legs (see `leg_limits`). `pools` are
    as the first leg finds them. `wallet` must hold an entry for each of `held_mints(route_mints(...))`;
    `temporary_rent_lamports` is the rent of a plain token account. Raises QuoteError when a pool cannot build the swap.
    """
    options = options or PlanOptions()
    check_route(quote, request)
    mints = route_mints(quote, pools)
    user = wallet.user
    native = {NATIVE_MINT} if options.wrap_sol else set()
    temporary = temporary_sol_address(user, options.seed)
    token_account = {mint.address: temporary if mint.address in native else associated_token_address(user, mint) for mint in mints}

    steps: list[Step] = []
    opened: list[OpenedAccount] = []
    for mint in mints[1:]:
        if mint.address not in native and wallet.holdings[mint.address].amount is None:
            steps.append(Step(label=f"open account of {mint.address}", instruction=create_associated_account(user, mint)))
            length = associated_account_length(mint)
            address = token_account[mint.address]
            opened.append(OpenedAccount(address=address, mint=mint.address, length=length, temporary=False))
    wraps = any(mint.address in native for mint in mints)
    if wraps:
        spent = 0
        if mints[0].address in native:
            spent = request.amount if request.mode is SwapMode.EXACT_IN else limit
        create, initialize = open_temporary_sol(user, options.seed, temporary_rent_lamports + spent)
        steps += [Step(label="fund wrapped SOL", instruction=create), Step(label="wrap SOL", instruction=initialize)]
        opened.append(OpenedAccount(address=temporary, mint=NATIVE_MINT, length=TOKEN_ACCOUNT_LENGTH, temporary=True))
    swaps = _swaps(quote, pools, request, limit, user, token_account)
    steps += swaps
    if wraps:
        steps.append(Step(label="unwrap SOL", instruction=close_to_owner(temporary, user)))
    return SwapPlan(
        wallet=wallet,
        request=request,
        quote=quote,
        limit=limit,
        steps=tuple(steps),
        opened=tuple(opened),
        places=tuple(
            TokenPlace(mint=mint.address, account=None if mint.address in native else token_account[mint.address]) for mint in mints
        ),
        venues=tuple((hop.venue_id, step.instruction.program_id) for hop, step in zip(quote.route.hops, swaps, strict=True)),
    )


def _swaps(
    quote: RouteQuote,
    pools: Mapping[Pubkey, Pool],
    request: QuoteRequest,
    limit: int,
    user: Pubkey,
    token_account: Mapping[Pubkey, Pubkey],
) -> list[Step]:
    legs = quote.route.legs
    requests = leg_requests(legs, request)
    limits = leg_limits(legs, request.mode, limit, [limit_slack(pools[leg.hops[-1].pool]) for leg in legs])
    uses = Counter(hop.pool for hop in quote.route.hops)
    states = dict(pools)
    steps: list[Step] = []
    for number, (leg, asked_of_leg, limit_of_leg) in enumerate(zip(legs, requests, limits, strict=True), 1):
        for index, hop in enumerate(leg.hops):
            asked, bound = hop_request(leg.hops, index, asked_of_leg, limit_of_leg)
            pool = states[hop.pool]
            instruction = pool.swap_instruction(
                SwapRequest(
                    quote=asked,
                    limit=bound,
                    user=user,
                    source=token_account[hop.input_mint],
                    destination=token_account[hop.output_mint],
                )
            )
            label = f"swap in {hop.venue_id} pool {hop.pool}" + (f" (leg {number} of {len(legs)})" if len(legs) > 1 else "")
            steps.append(Step(label=label, instruction=instruction, hop=len(steps)))
            uses[hop.pool] -= 1
            if uses[hop.pool]:
                # A later swap may need other tick or bin arrays, so it is built on the pool as this one leaves it.
                states[hop.pool] = pool.quote(asked).next_pool
    return steps


def with_tip(plan: SwapPlan, tip: Tip) -> SwapPlan:
    """The plan with the tip as its last instruction."""
    return replace(plan, steps=(*plan.steps, Step(label=TIP_STEP, instruction=tip_instruction(plan.wallet.user, tip))))
