"""A plan made ready to sign: simulated, priced, proven affordable, simulated again as the exact message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.message import MessageV0
from solders.pubkey import Pubkey

from dexroute.engine.planning.fee_samples import recent_fees
from dexroute.engine.planning.funds import Rents, check_funds, expected_costs, needs_of
from dexroute.engine.planning.lookup_tables import as_tables, readable_tables, with_tables
from dexroute.engine.planning.message import build_message, unsigned_wire, writable_accounts
from dexroute.engine.planning.moved import moved_amounts
from dexroute.engine.planning.priority_fee import PriorityFeePolicy, compute_unit_price, priority_fee_lamports
from dexroute.engine.planning.programs import require_programs
from dexroute.engine.planning.proving import prove
from dexroute.engine.planning.screening import Evidence, SigningPolicy, SwapBounds, named_accounts, own_accounts, screen
from dexroute.engine.planning.simulation import require_success
from dexroute.engine.planning.step_units import units_by_pool
from dexroute.engine.planning.swap_plan import PlanOptions, SwapPlan, held_mints, plan_swap, route_mints, with_tip
from dexroute.engine.planning.tip import TIP_ACCOUNTS, Tip
from dexroute.engine.planning.token_accounts import associated_account_length
from dexroute.engine.planning.wallet import Wallet, decode_wallet, unread_wallet, wallet_accounts
from dexroute.engine.routing import RouteQuote
from dexroute.engine.routing.landing import UNITS_APART, unit_limit
from dexroute.fetchers.base import Pool
from dexroute.fetchers.registry import VenueRegistry
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.ports import AccountReader, TransactionSender
from dexroute.types.accounts import AccountData
from dexroute.types.chain import BlockhashLifetime, Simulation
from dexroute.types.network import MAX_COMPUTE_UNITS
from dexroute.types.orders import Costs, SwapAmounts
from dexroute.types.requests import QuoteRequest

_MOST_ROUTES: Final = 1_000  # whose compute units are remembered
_MOST_ACCOUNTS: Final = 100  # of one getMultipleAccounts call


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSwap:
    """A route with all that rebuilding its transaction takes."""

    quote: RouteQuote
    pools: Mapping[Pubkey, Pool]
    request: QuoteRequest
    limit: int
    options: PlanOptions = field(default_factory=PlanOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedAttempt:
    """`message` passed simulation as it stands. `simulated` and `costs` are what it is expected to move and cost; `tracked` are
    the wallet's own accounts it writes; `facts` is JSON for the journal. `evidence` is what the message was screened on, None where
    no signing policy is in force."""

    plan: SwapPlan
    message: MessageV0
    simulated: SwapAmounts
    costs: Costs
    tracked: tuple[Pubkey, ...]
    facts: Mapping[str, Any]
    evidence: Evidence | None = None


class SwapBuilder:
    """Builds attempts on one cluster. `fee_nodes` are asked for recent priority fees (`sender` alone without them). Keeps the
    cluster's rents, which do not change, and the compute units that routes took."""

    def __init__(
        self,
        reader: AccountReader,
        sender: TransactionSender,
        registry: VenueRegistry,
        known_tables: Callable[[], Sequence[Pubkey]] = tuple,
        screening: SigningPolicy | None = None,
        tip: Tip | None = None,
        fee_nodes: Sequence[TransactionSender] = (),
    ) -> None:
        self._reader = reader
        self._sender = sender
        self._registry = registry
        self._known_tables = known_tables
        self._screening = screening
        self._tip = tip
        self._fee_nodes = tuple(fee_nodes) or (sender,)
        self._rents: dict[int, int] = {}
        self._units: dict[Pubkey, int] = {}
        self._route_units: dict[tuple[Pubkey, ...], int] = {}

    @property
    def learned_units(self) -> Mapping[Pubkey, int]:
        """Compute units the last simulated swap of each pool took."""
        return self._units

    def learn_units(self, units: Mapping[Pubkey, int]) -> None:
        """Take over what earlier runs simulated, where nothing was simulated in this one. It only tells which routes to try: what
        a transaction may take is simulated every time."""
        for pool, taken in units.items():
            self._units.setdefault(pool, taken)

    async def recent_fees(self, writable: Sequence[Pubkey]) -> tuple[tuple[int, ...], ...]:
        """What transactions that write these accounts paid lately, micro-lamports per compute unit, by node."""
        return await recent_fees(self._fee_nodes, writable)

    async def plan(
        self, planned: PlannedSwap, user: Pubkey, *, min_context_slot: int | None = None, tip: Tip | None = None
    ) -> tuple[SwapPlan, Rents]:
        """The plan for the wallet as it is now (at `min_context_slot` or after), a tip included if there is one, with the lookup
        tables all of it takes, and the rents it depends on. One read once the rents are known. A known table that is no longer
        usable is left alone.

        Raises QuoteOnly when a venue's program is absent, GuardRefused for a token account the wallet does not control,
        NetworkError.
        """
        held = held_mints(route_mints(planned.quote, planned.pools), wrap_sol=planned.options.wrap_sol)
        rents = await self._rents_of({0, TOKEN_ACCOUNT_LENGTH, *map(associated_account_length, held)})
        venues = _planned(planned, unread_wallet(user, held), rents).venues
        own = wallet_accounts(user, held)
        needed = list(dict.fromkeys([*own, *(program for _, program in venues)]))
        tables = self._known_tables()[: _MOST_ACCOUNTS - len(needed)]
        asked = list(dict.fromkeys([*needed, *tables]))
        read = await self._reader.get_accounts(asked, min_context_slot=min_context_slot)
        require_programs(venues, read.accounts)
        plan = _planned(planned, decode_wallet(user, held, read.accounts, read.slot), rents)
        if tip is not None:
            plan = with_tip(plan, tip)
        usable = as_tables(readable_tables(tables, read), frozenset(plan.tracked) | TIP_ACCOUNTS)
        return with_tables(plan, usable), rents

    async def require_funds(
        self, planned: PlannedSwap, user: Pubkey, *, priority_fee_lamports: int, min_context_slot: int | None = None
    ) -> None:
        """One look at whether the wallet can pay the swap, its fees, its tip and the accounts it opens, with nothing simulated.
        Raises InsufficientFunds, and what `plan` raises."""
        plan, rents = await self.plan(planned, user, min_context_slot=min_context_slot, tip=self._tip)
        tip = self._tip.lamports if self._tip is not None else 0
        needs = needs_of(plan, rents, priority_fee_lamports=priority_fee_lamports, tip_lamports=tip)
        check_funds(plan, needs, rents)

    async def prepare(
        self,
        planned: PlannedSwap,
        user: Pubkey,
        lifetime: BlockhashLifetime,
        policy: PriorityFeePolicy,
        *,
        apart: int = 0,
        tip_floor_lamports: int = 0,
    ) -> PreparedAttempt:
        """The message to sign on this blockhash. Raises GuardRefused (funds, fee cap, size, simulation, policy, QuoteOnly),
        NetworkError.

        Two equal swaps on one blockhash are two transactions, two signatures, by the `apart` of each: its remainder by UNITS_APART
        are compute units more or less than needed, the rest is the arrangement of the accounts.
        Where swaps tip, this one tips `tip_floor_lamports` at least, as far as the tip may be raised.

        Two simulations: the first, with room to spare and no bid, measures; the second proves the exact bytes to be signed.
        """
        # A node behind the one that gave the blockhash knows neither it nor, perhaps, the money that arrived meanwhile.
        reached = lifetime.slot
        paid = None if self._tip is None else self._tip.at_least(tip_floor_lamports)
        plan, rents = await self.plan(planned, user, min_context_slot=reached, tip=paid)
        tip = paid.lamports if paid is not None else 0
        free = needs_of(plan, rents, priority_fee_lamports=0, tip_lamports=tip)
        check_funds(plan, free, rents)
        probe = build_message(plan, lifetime, MAX_COMPUTE_UNITS, 0)
        measured, samples, before = await asyncio.gather(
            self._sender.simulate(unsigned_wire(probe), accounts=plan.tracked, min_context_slot=reached),
            self._recent_fees(policy, probe, plan.lookup_tables),
            self._named(probe, plan.lookup_tables, reached),
        )
        require_success(plan, measured, self._registry)
        self._units |= units_by_pool(plan, measured.logs)
        most = self._most_units(plan, measured.units_consumed)
        arrangement, units_apart = divmod(apart, UNITS_APART)
        limit = unit_limit(most, apart=units_apart)
        price = compute_unit_price(policy, samples, limit)
        priority = priority_fee_lamports(limit, price)
        needs = needs_of(plan, rents, priority_fee_lamports=priority, tip_lamports=tip)
        check_funds(plan, needs, rents)
        message = build_message(plan, lifetime, limit, price, arrangement=arrangement)
        wire = unsigned_wire(message)
        proved, evidence = await self._prove(plan, message, before, reached)
        taken = free.network_fee_lamports + tip + free.rent_lamports
        simulated, residuals = moved_amounts(plan, measured, proved, evidence, taken_lamports=taken, priority_lamports=priority)
        return PreparedAttempt(
            plan=plan,
            message=message,
            simulated=simulated,
            costs=replace(expected_costs(needs), residuals=residuals),
            tracked=plan.tracked,
            evidence=evidence,
            facts={
                "compute_units": measured.units_consumed,
                "compute_unit_limit": limit,
                "compute_unit_price_micro_lamports": str(price),
                "priority_fee_samples": sum(map(len, samples)),
                "tip_lamports": str(tip),
                "simulation_slot": proved.slot,
                "bytes": len(wire),
                "lookup_tables": [str(table.key) for table in plan.lookup_tables],
                "steps": [step.label for step in plan.steps],
                "opened": [str(account.address) for account in plan.opened],
                "max_amount_in": str(plan.max_amount_in),
                "min_amount_out": str(plan.min_amount_out),
            },
        )

    def _most_units(self, plan: SwapPlan, measured: int) -> int:
        """The most this route (its pools in order, and the accounts it opens) took in any simulation here: a pool that took the
        longer way a moment ago may take it again when the transaction lands."""
        route = (*(hop.pool for hop in plan.quote.route.hops), *(account.mint for account in plan.opened))
        most = max(measured, self._route_units.pop(route, 0))
        self._route_units[route] = most  # the last one used is the last to be forgotten
        if len(self._route_units) > _MOST_ROUTES:
            del self._route_units[next(iter(self._route_units))]
        return most

    async def _named(
        self, message: MessageV0, tables: Sequence[AddressLookupTableAccount], reached: int
    ) -> Mapping[Pubkey, AccountData | None]:
        """Every account the message names, its lookup tables included, where they are to be screened."""
        if self._screening is None:
            return {}
        named = named_accounts(message, {table.key: table.addresses for table in tables})
        asked = list(dict.fromkeys([*named, *(lookup.account_key for lookup in message.address_table_lookups)]))
        return (await self._reader.get_accounts(asked, min_context_slot=reached)).accounts

    async def _prove(
        self, plan: SwapPlan, message: MessageV0, before: Mapping[Pubkey, AccountData | None], reached: int
    ) -> tuple[Simulation, Evidence | None]:
        """The exact message simulated, and screened. Raises what `require_success` and `prove` raise."""
        wire, screening = unsigned_wire(message), self._screening
        own = () if screening is None else own_accounts(plan.wallet.user, before, before)
        watched = list(dict.fromkeys([plan.wallet.user, *own, *plan.tracked, *(account.address for account in plan.opened)]))

        async def simulate() -> Simulation:
            proved = await self._sender.simulate(wire, accounts=watched, min_context_slot=reached)
            require_success(plan, proved, self._registry)
            return proved

        if screening is None:
            return await simulate(), None
        bounds = SwapBounds(
            wallet=plan.wallet.user,
            input_mint=plan.request.input_mint,
            output_mint=plan.request.output_mint,
            max_amount_in=plan.max_amount_in,
            min_amount_out=plan.min_amount_out,
            mints=frozenset(place.mint for place in plan.places),
        )
        return await prove(
            self._reader, simulate, lambda evidence: screen(message, bounds, screening, evidence), watched, before, reached
        )

    async def _recent_fees(
        self, policy: PriorityFeePolicy, message: MessageV0, tables: Sequence[AddressLookupTableAccount]
    ) -> tuple[tuple[int, ...], ...]:
        if policy.fixed_micro_lamports is not None:
            return ()
        return await self.recent_fees(writable_accounts(message, tables))

    async def _rents_of(self, lengths: set[int]) -> Rents:
        unknown = sorted(lengths - self._rents.keys())
        lamports = await asyncio.gather(*(self._sender.rent_exemption(length) for length in unknown))
        self._rents |= dict(zip(unknown, lamports, strict=True))
        return Rents(wallet_lamports=self._rents[0], by_length={length: self._rents[length] for length in lengths})


def _planned(planned: PlannedSwap, wallet: Wallet, rents: Rents) -> SwapPlan:
    return plan_swap(
        planned.quote,
        planned.pools,
        planned.request,
        wallet,
        limit=planned.limit,
        temporary_rent_lamports=rents.by_length[TOKEN_ACCOUNT_LENGTH],
        options=planned.options,
    )
