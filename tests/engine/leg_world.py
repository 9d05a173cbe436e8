"""A LiteSVM with pools by name, and the check every executed route must pass: nothing moves but what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.engine.planning import (
    PlannedSwap,
    PlanOptions,
    PreparedAttempt,
    PriorityFeePolicy,
    SwapBuilder,
    plan_swap,
    route_mints,
    swap_limit,
    unread_wallet,
)
from dexroute.engine.planning.token_accounts import temporary_sol_address
from dexroute.fetchers import VenueRegistry
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import LearnedAddresses, load_pools
from dexroute.types.mints import Mint, TransferFee
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.legs import Path, route_by_hand, split
from tests.engine.screened import policy_of, screened
from tests.engine.svm_cluster import REGISTRY, SOL, SvmCluster

START = 10**12
DEEP = 10**11


@dataclass(frozen=True)
class World:
    """One cluster, its mints by letter (S is SOL, T takes a transfer fee) and its pools by their two letters and number."""

    cluster: SvmCluster
    mints: Mapping[str, Mint]
    pools: Mapping[str, Pubkey]
    tables: list[Pubkey] = field(default_factory=list)
    venues: VenueRegistry = REGISTRY
    learned: LearnedAddresses = field(default_factory=dict)

    def path(self, words: str) -> Path:
        """`"AC0 C>B1"`: hops as pool name and, after `>`, what it swaps into; a pool's second letter unless it is said."""
        hops = []
        for word in words.split():
            pool, _, target = word.partition(">")
            hops.append((self.pools[pool], self.mints[target or pool[1]]))
        return hops

    async def states(self) -> Mapping[Pubkey, Pool]:
        loaded = await load_pools(self.cluster, list(self.pools.values()), self.venues, self.learned)
        assert not loaded.broken
        return loaded.pools

    async def planned(
        self,
        pair: str,
        amount: int,
        mode: SwapMode,
        *paths: str,
        slippage_bps: int = 50,
        hop_slippage_bps: int = 0,
        options: PlanOptions | None = None,
        amounts: Sequence[int] | None = None,
    ) -> PlannedSwap:
        """`amount` over these paths, in equal parts or as `amounts` say."""
        pools = await self.states()
        source, target = (self.mints[letter] for letter in pair)
        request = QuoteRequest(input_mint=source.address, output_mint=target.address, amount=amount, mode=mode)
        shares = list(zip(amounts or split(amount, len(paths)), map(self.path, paths), strict=True))
        quote = route_by_hand(pools, request, shares, hop_slippage_bps=hop_slippage_bps)
        limit = swap_limit(quote, request, slippage_bps)
        return PlannedSwap(quote=quote, pools=pools, request=request, limit=limit, options=options or PlanOptions())

    async def prepare(self, planned: PlannedSwap, user: Keypair) -> PreparedAttempt:
        screening = policy_of(self.venues)
        builder = SwapBuilder(self.cluster, self.cluster, self.venues, lambda: self.tables, screening=screening)
        prepared = await builder.prepare(planned, user.pubkey(), await self.cluster.latest_blockhash(), PriorityFeePolicy())
        screened(prepared, planned, self.venues)
        return prepared

    def held(self, user: Keypair, letter: str) -> int:
        if letter == "S":
            return self.cluster.lamports(user)
        return self.cluster.balance(user, self.mints[letter]) or 0


def build_world(*pools: str, fee: TransferFee | None = None) -> World:
    """Pools by name; a name's digit is its index, so that a pair may have several. Depths differ a little with it."""
    cluster = SvmCluster()
    mints = {letter: cluster.new_mint(fee if letter == "T" else None) for letter in "ABCDEFT"} | {"S": SOL}
    made = {}
    for number, name in enumerate(pools):
        first, second, index = mints[name[0]], mints[name[1]], int(name[2])
        made[name] = cluster.pool({first: DEEP * (10 + number), second: DEEP * (11 + index)}, index=index)
    return World(cluster, mints, made)


def a_user(world: World, letters: str = "ABCDEFT", held: int = START) -> Keypair:
    """A wallet that holds some of everything beforehand: what a route may never touch."""
    user = world.cluster.rich_wallet()
    for letter in letters:
        world.cluster.fund(user, world.mints[letter], held)
    return user


def give_a_table(world: World, planned: PlannedSwap, *more: Pubkey) -> None:
    """A lookup table of everything the route names, and `more`. The wallet's own are in it and must not be taken from it."""
    mints = route_mints(planned.quote, planned.pools)
    plan = plan_swap(
        planned.quote,
        planned.pools,
        planned.request,
        unread_wallet(world.cluster.maker.pubkey(), mints),
        limit=planned.limit,
        temporary_rent_lamports=1,
    )
    named = dict.fromkeys(meta.pubkey for step in plan.steps for meta in step.instruction.accounts)
    world.tables.append(world.cluster.table([*named, *more]))


async def executes_as_said(world: World, planned: PlannedSwap, user: Keypair) -> PreparedAttempt:
    """Prepare and land; every balance changes by what quote, simulation and costs say, and by nothing else."""
    quote, request = planned.quote, planned.request
    before = {letter: world.held(user, letter) for letter in world.mints}
    prepared = await world.prepare(planned, user)
    world.cluster.land(prepared.message, user)
    moved = {letter: world.held(user, letter) - before[letter] for letter in world.mints}
    moved["S"] += prepared.costs.network_fee_lamports + prepared.costs.rent_lamports

    expected = dict.fromkeys(world.mints, 0)
    letter_of = {mint.address: letter for letter, mint in world.mints.items()}
    for leg in quote.route.legs:
        for hop in leg.hops:
            expected[letter_of[hop.input_mint]] -= hop.amount_in
            expected[letter_of[hop.output_mint]] += hop.amount_out
    assert moved == expected
    ends = (letter_of[request.input_mint], letter_of[request.output_mint])
    assert (-moved[ends[0]], moved[ends[1]]) == (quote.amount_in, quote.amount_out)
    assert (prepared.simulated.amount_in, prepared.simulated.amount_out) == (quote.amount_in, quote.amount_out)
    left = {residual.mint: residual.amount for residual in prepared.costs.residuals}
    assert left == {world.mints[letter].address: change for letter, change in moved.items() if change and letter not in ends}
    assert all(amount > 0 for amount in left.values())
    assert world.cluster.account(temporary_sol_address(user.pubkey(), planned.options.seed)) is None
    return prepared


SHAPES = {
    "two legs, one pair": (("AB0", "AB1"), "AB", ("AB0", "AB1")),
    "one pool twice": (("AB0",), "AB", ("AB0", "AB0")),
    "a pool between others, shared": (("AC0", "AC1", "CB0"), "AB", ("AC0 CB0", "AC1 CB0")),
    "a shared first pool that branches": (("AC0", "CB0", "CB1"), "AB", ("AC0 CB0", "AC0 CB1")),
    "three hops": (("AC0", "CD0", "DB0"), "AB", ("AC0 CD0 DB0",)),
    "direct beside two hops": (("AB0", "AC0", "CB0"), "AB", ("AB0", "AC0 CB0")),
    "SOL in, split": (("SB0", "SC0", "CB0"), "SB", ("SB0", "SC0 CB0")),
    "SOL out, split": (("AS0", "AS1"), "AS", ("AS0", "AS1")),
    "SOL between, shared": (("AS0", "AS1", "SB0"), "AB", ("AS0 SB0", "AS1 SB0")),
    "transfer fee between, shared": (("AT0", "TB0"), "AB", ("AT0 TB0", "AT0 TB0")),
    "transfer fee in": (("TB0", "TB1"), "TB", ("TB0", "TB1")),
    "transfer fee out": (("AT0", "AT1"), "AT", ("AT0", "AT1")),
}
