"""Plans carried out in LiteSVM by the real token programs and our pool program: what moves is what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.account import Account
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.engine.planning import (
    PlannedSwap,
    PlanOptions,
    PreparedAttempt,
    PriorityFeePolicy,
    SwapBuilder,
    held_mints,
    plan_swap,
    route_mints,
    swap_limit,
    swappable_venues,
    unread_wallet,
)
from dexroute.engine.planning.token_accounts import associated_account_length, associated_token_address, temporary_sol_address
from dexroute.engine.routing import RouteOptions, find_route
from dexroute.errors import GuardRefused, InsufficientFunds, QuoteOnly, SimulationFailed, SlippageExceeded
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import load_pools
from dexroute.types.chain import Simulation
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee
from dexroute.types.orders import Residual, SwapAmounts
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.screened import policy_of, screened
from tests.engine.svm_cluster import REGISTRY, SOL, SvmCluster

NO_BID = PriorityFeePolicy()
TOKEN_RENT, T22_FEE_RENT, WALLET_RENT = 2_039_280, 2_157_600, 890_880


@dataclass(frozen=True)
class Market:
    """One cluster with pools A-SOL, A-C and C-B."""

    cluster: SvmCluster
    a: Mint
    b: Mint
    c: Mint
    pools: tuple[Pubkey, ...]

    async def load(self) -> Mapping[Pubkey, Pool]:
        loaded = await load_pools(self.cluster, self.pools, REGISTRY)
        assert not loaded.broken
        return loaded.pools

    async def planned(
        self,
        source: Mint,
        target: Mint,
        amount: int,
        mode: SwapMode = SwapMode.EXACT_IN,
        *,
        slippage_bps: int = 50,
        hop_slippage_bps: int = 0,
        options: PlanOptions | None = None,
    ) -> PlannedSwap:
        pools = await self.load()
        request = QuoteRequest(input_mint=source.address, output_mint=target.address, amount=amount, mode=mode)
        quote = find_route(pools.values(), request, RouteOptions(hop_slippage_bps=hop_slippage_bps))
        limit = swap_limit(quote, request, slippage_bps)
        return PlannedSwap(quote=quote, pools=pools, request=request, limit=limit, options=options or PlanOptions())

    async def prepare(self, planned: PlannedSwap, user: Keypair, policy: PriorityFeePolicy = NO_BID) -> PreparedAttempt:
        builder = SwapBuilder(self.cluster, self.cluster, REGISTRY, screening=policy_of())
        prepared = await builder.prepare(planned, user.pubkey(), await self.cluster.latest_blockhash(), policy)
        screened(prepared, planned)
        return prepared

    async def swap(self, planned: PlannedSwap, user: Keypair, policy: PriorityFeePolicy = NO_BID) -> PreparedAttempt:
        prepared = await self.prepare(planned, user, policy)
        self.cluster.land(prepared.message, user)
        return prepared


@pytest.fixture
def market() -> Market:
    return build_market()


def build_market(b_fee: TransferFee | None = None) -> Market:
    cluster = SvmCluster()
    a, b, c = cluster.new_mint(), cluster.new_mint(b_fee), cluster.new_mint()
    pools = (
        cluster.pool({a: 10**12, SOL: 10**11}),
        cluster.pool({a: 10**12, c: 10**12}),
        cluster.pool({c: 10**12, b: 10**12}),
    )
    return Market(cluster, a, b, c, pools)


@pytest.mark.parametrize("mode", SwapMode)
async def test_sol_to_token_spends_lamports_and_opens_the_account(market: Market, mode: SwapMode) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    planned = await market.planned(SOL, market.a, 10**9, mode)
    prepared = await market.swap(planned, user)
    quote = planned.quote
    assert market.cluster.balance(user, market.a) == quote.amount_out == prepared.simulated.amount_out
    assert 10**10 - cluster.lamports(user) == quote.amount_in + 5_000 + TOKEN_RENT
    assert prepared.simulated.amount_in == quote.amount_in
    assert prepared.costs.network_fee_lamports == 5_000
    assert prepared.costs.rent_lamports == TOKEN_RENT
    assert cluster.balance(user, SOL) is None
    assert prepared.tracked == (user.pubkey(), associated_token_address(user.pubkey(), market.a))
    assert cluster.account(temporary_sol_address(user.pubkey(), planned.options.seed)) is None


@pytest.mark.parametrize("mode", SwapMode)
async def test_token_to_sol_pays_out_lamports(market: Market, mode: SwapMode) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.fund(user, market.a, 10**10)
    before = cluster.lamports(user)
    planned = await market.planned(market.a, SOL, 10**9 if mode is SwapMode.EXACT_IN else 10**8, mode)
    prepared = await market.swap(planned, user)
    assert cluster.lamports(user) - before == planned.quote.amount_out - 5_000
    assert cluster.balance(user, market.a) == 10**10 - planned.quote.amount_in
    assert (prepared.simulated.amount_in, prepared.simulated.amount_out) == (planned.quote.amount_in, planned.quote.amount_out)
    assert prepared.costs.rent_lamports == 0


@pytest.mark.parametrize("into_sol", [False, True])
async def test_wrapped_sol_the_user_keeps_is_left_alone(market: Market, into_sol: bool) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.fund(user, SOL, 777)
    cluster.fund(user, market.a, 10**10)
    source, target = (market.a, SOL) if into_sol else (SOL, market.a)
    await market.swap(await market.planned(source, target, 10**8), user)
    assert cluster.balance(user, SOL) == 777


async def test_wrapped_sol_as_it_is_when_asked_for(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.fund(user, SOL, 10**9)
    before = cluster.lamports(user)
    planned = await market.planned(SOL, market.a, 10**8, options=PlanOptions(wrap_sol=False))
    await market.swap(planned, user)
    assert cluster.balance(user, SOL) == 9 * 10**8
    assert before - cluster.lamports(user) == 5_000 + TOKEN_RENT


@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("hop_slippage_bps", [0, 100])
async def test_two_hops_deliver_and_the_rest_stays_as_residual(market: Market, mode: SwapMode, hop_slippage_bps: int) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.fund(user, market.a, 10**10)
    planned = await market.planned(market.a, market.b, 10**9, mode, hop_slippage_bps=hop_slippage_bps)
    prepared = await market.swap(planned, user)
    first, second = planned.quote.route.hops
    assert cluster.balance(user, market.b) == planned.quote.amount_out == prepared.simulated.amount_out
    assert cluster.balance(user, market.a) == 10**10 - planned.quote.amount_in
    residual = first.amount_out - second.amount_in
    assert cluster.balance(user, market.c) == residual
    assert (residual > 0) == (hop_slippage_bps > 0)
    assert prepared.costs.residuals == ((Residual(mint=market.c.address, amount=residual),) if residual else ())
    assert prepared.costs.rent_lamports == 2 * TOKEN_RENT


async def test_sol_between_two_tokens_leaves_no_account_behind() -> None:
    cluster = SvmCluster()
    a, b = cluster.new_mint(), cluster.new_mint()
    market = Market(cluster, a, b, a, (cluster.pool({a: 10**12, SOL: 10**11}), cluster.pool({SOL: 10**11, b: 10**12})))
    user = cluster.rich_wallet(10**10)
    cluster.fund(user, a, 10**10)
    cluster.fund(user, b, 0)
    before = cluster.lamports(user)
    planned = await market.planned(a, b, 10**9, hop_slippage_bps=100)
    prepared = await market.swap(planned, user)
    first, second = planned.quote.route.hops
    residual = first.amount_out - second.amount_in
    assert residual > 0
    assert prepared.costs.residuals == (Residual(mint=SOL.address, amount=residual),)
    assert cluster.lamports(user) - before == residual - 5_000
    assert cluster.balance(user, b) == planned.quote.amount_out
    assert cluster.balance(user, SOL) is None


async def test_a_mint_with_transfer_fee_gets_the_larger_account() -> None:
    market = build_market(TransferFee(epoch=0, bps=100, maximum=10**9))
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.fund(user, market.c, 10**10)
    before = cluster.lamports(user)
    planned = await market.planned(market.c, market.b, 10**9)
    prepared = await market.swap(planned, user)
    assert prepared.costs.rent_lamports == T22_FEE_RENT == before - cluster.lamports(user) - 5_000
    assert cluster.balance(user, market.b) == planned.quote.amount_out == prepared.simulated.amount_out


async def test_the_exact_message_is_simulated_with_its_own_budget(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet(10**10)
    cluster.priority_fees = (10, 500_000, 20, 30)
    policy = PriorityFeePolicy(percentile=100, cap_lamports=1_000)
    prepared = await market.swap(await market.planned(SOL, market.a, 10**9), user, policy)
    signed = prepared.message
    assert cluster.simulated[-1].endswith(bytes(signed)[1:])
    limit, price = (bytes(signed.instructions[place].data) for place in (0, 1))
    assert limit == b"\x02" + int(prepared.facts["compute_unit_limit"]).to_bytes(4, "little")
    assert price == b"\x03" + int(prepared.facts["compute_unit_price_micro_lamports"]).to_bytes(8, "little")
    assert 0 < prepared.facts["compute_units"] < prepared.facts["compute_unit_limit"] < 200_000
    assert 990 <= prepared.costs.priority_fee_lamports <= 1_000


async def test_what_a_wallet_lacks_is_itemised(market: Market) -> None:
    cluster = market.cluster
    needs = 10**9 + 5_000 + 2 * TOKEN_RENT  # the wrapped account's rent comes back, but must be there
    planned = await market.planned(SOL, market.a, 10**9)
    poor = cluster.rich_wallet(needs - 1)
    with pytest.raises(InsufficientFunds) as caught:
        await market.prepare(planned, poor)
    facts = caught.value.context
    assert (facts["have"], facts["need"], facts["short"]) == (str(needs - 1), str(needs), "1")
    assert facts["items"] == {
        "token_amount": "0",
        "sol_amount_lamports": str(10**9),
        "network_fee_lamports": "5000",
        "priority_fee_lamports": "0",
        "rent_lamports": str(TOKEN_RENT),
        "temporary_rent_lamports": str(TOKEN_RENT),
        "tip_lamports": "0",
        "wallet_rent_lamports": "0",
    }
    for enough in (needs, needs + 1):
        await market.swap(await market.planned(SOL, market.a, 10**9), cluster.rich_wallet(enough))

    bidding = PriorityFeePolicy(fixed_micro_lamports=1_000_000)
    with pytest.raises(InsufficientFunds) as caught:
        await market.prepare(await market.planned(SOL, market.a, 10**9), cluster.rich_wallet(needs), bidding)
    bid = int(caught.value.context["items"]["priority_fee_lamports"])
    assert bid > 10_000
    assert caught.value.context["short"] == str(bid)

    without_tokens = cluster.rich_wallet()
    with pytest.raises(InsufficientFunds) as caught:
        await market.prepare(await market.planned(market.a, SOL, 5_000), without_tokens)
    assert (caught.value.context["have"], caught.value.context["need"]) == ("0", "5000")
    cluster.fund(without_tokens, market.a, 4_999)
    with pytest.raises(InsufficientFunds, match="send 1 base units of "):
        await market.prepare(await market.planned(market.a, SOL, 5_000), without_tokens)


async def test_a_wallet_that_would_end_below_its_rent_is_told_before_the_cluster_does(market: Market) -> None:
    cluster = market.cluster
    user = cluster.rich_wallet(10**10)
    cluster.fund(user, market.a, 10**10)
    drained = 5_000 + TOKEN_RENT + WALLET_RENT - 1
    cluster.svm.set_account(user.pubkey(), Account(drained, b"", Pubkey.default()))
    with pytest.raises(InsufficientFunds, match="wallet rent that must stay"):
        await market.prepare(await market.planned(market.a, market.c, 10**6), user)
    cluster.svm.set_account(user.pubkey(), Account(drained + 1, b"", Pubkey.default()))
    await market.swap(await market.planned(market.a, market.c, 10**6), user)
    assert cluster.lamports(user) == WALLET_RENT


@pytest.mark.parametrize("mode", SwapMode)
async def test_a_market_that_moved_is_slippage_not_a_crash(market: Market, mode: SwapMode) -> None:
    user, other = market.cluster.rich_wallet(10**12), market.cluster.rich_wallet(10**12)
    planned = await market.planned(SOL, market.a, 10**9, mode, slippage_bps=10)
    await market.swap(await market.planned(SOL, market.a, 10**9), other)
    with pytest.raises(SlippageExceeded) as caught:
        await market.prepare(planned, user)
    facts = caught.value.context
    assert (facts["venue"], facts["custom_code"], facts["limit"]) == ("dexroute-pool", 6018, str(planned.limit))
    assert facts["program"] == str(REGISTRY["dexroute-pool"].program_id)
    assert str(market.pools[0]) in caught.value.message
    roomy = await market.planned(SOL, market.a, 10**9, mode, slippage_bps=1_000)
    await market.swap(await market.planned(SOL, market.a, 10**9), other)
    await market.swap(roomy, user)


async def test_a_market_that_moves_between_the_two_simulations_is_noticed(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, user, other = market.cluster, market.cluster.rich_wallet(), market.cluster.rich_wallet()
    planned = await market.planned(SOL, market.a, 10**9, slippage_bps=10)
    rival = await market.prepare(planned, other)
    cluster.simulated.clear()
    simulate = cluster.simulate

    async def moved_after_the_first(
        wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None
    ) -> Simulation:
        answer = await simulate(wire, accounts=accounts, min_context_slot=min_context_slot)
        if len(cluster.simulated) == 1:
            cluster.svm.send_transaction(VersionedTransaction(rival.message, [other]))
        return answer

    monkeypatch.setattr(cluster, "simulate", moved_after_the_first)
    with pytest.raises(SlippageExceeded):
        await market.prepare(planned, user)
    assert len(cluster.simulated) == 2


async def test_a_first_hop_that_falls_short_stops_the_second(market: Market) -> None:
    cluster, user, other = market.cluster, market.cluster.rich_wallet(), market.cluster.rich_wallet()
    for wallet in (user, other):
        cluster.fund(wallet, market.a, 10**11)
    cluster.fund(user, market.c, 10**11)
    tight = await market.planned(market.a, market.b, 10**9, slippage_bps=5_000)
    loose = await market.planned(market.a, market.b, 10**9, slippage_bps=5_000, hop_slippage_bps=300)
    await market.swap(await market.planned(market.a, market.c, 10**9), other)
    # The user's own C would have paid for the second hop: the plan must not touch it.
    with pytest.raises(SlippageExceeded) as caught:
        await market.prepare(tight, user)
    assert str(market.pools[1]) in caught.value.context["step"]
    prepared = await market.swap(loose, user)
    assert prepared.simulated.amount_out == loose.quote.amount_out
    held = cluster.balance(user, market.c)
    assert held is not None
    assert held >= 10**11


async def test_a_venue_whose_program_is_absent_is_quote_only(market: Market) -> None:
    planned = await market.planned(SOL, market.a, 10**9)
    bare = SvmCluster(with_pool_program=False)
    assert await swappable_venues(market.cluster, REGISTRY) == {"dexroute-pool"}
    assert await swappable_venues(bare, REGISTRY) == frozenset()
    elsewhere = Market(bare, market.a, market.b, market.c, ())
    with pytest.raises(QuoteOnly) as caught:
        await elsewhere.prepare(planned, bare.rich_wallet())
    assert caught.value.context["venue"] == "dexroute-pool"
    assert not bare.simulated


async def test_an_account_the_wallet_does_not_control_is_refused(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet()
    address = cluster.fund(user, market.a, 5)
    planned = await market.planned(SOL, market.a, 10**6)
    account = cluster.account(address)
    assert account is not None
    stolen = account.data[:32] + bytes(Pubkey.new_unique()) + account.data[64:]
    frozen = account.data[:108] + b"\x02" + account.data[109:]
    foreign = bytes(Pubkey.new_unique()) + account.data[32:]
    for data, words in ((stolen, "belongs to"), (frozen, "frozen"), (foreign, "another mint")):
        cluster.svm.set_account(address, Account(account.lamports, data, account.owner))
        with pytest.raises(GuardRefused, match=words):
            await market.prepare(planned, user)
    cluster.svm.set_account(address, Account(account.lamports, account.data, Pubkey.new_unique()))
    with pytest.raises(GuardRefused, match="no token account"):
        await market.prepare(planned, user)


async def test_lamports_sent_ahead_to_an_account_do_not_stop_its_opening(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet()
    ahead = associated_token_address(user.pubkey(), market.a)
    cluster.run([transfer(TransferParams(from_pubkey=user.pubkey(), to_pubkey=ahead, lamports=10**6))], user)
    planned = await market.planned(SOL, market.a, 10**9)
    await market.swap(planned, user)
    assert cluster.balance(user, market.a) == planned.quote.amount_out


async def test_other_failures_name_program_instruction_and_code(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet()
    planned = await market.planned(SOL, market.a, 10**9, options=PlanOptions(seed="known"))
    squatted = temporary_sol_address(user.pubkey(), "known")
    cluster.run([transfer(TransferParams(from_pubkey=user.pubkey(), to_pubkey=squatted, lamports=10**6))], user)
    with pytest.raises(SimulationFailed) as caught:
        await market.prepare(planned, user)
    facts = caught.value.context
    assert facts["step"] == "fund wrapped SOL"
    assert facts["instruction_index"] == 3
    assert facts["program"] == "11111111111111111111111111111111"
    assert facts["custom_code"] == 0
    # The next plan has a seed of its own.
    await market.swap(await market.planned(SOL, market.a, 10**9), user)


async def test_instructions_alone_work_for_whoever_embeds_them(market: Market) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet()
    planned = await market.planned(SOL, market.a, 10**9)
    mints = held_mints(route_mints(planned.quote, planned.pools), wrap_sol=True)
    for round_number in (1, 2):  # the account exists the second time, which nobody looked up
        plan = plan_swap(
            planned.quote,
            planned.pools,
            planned.request,
            unread_wallet(user.pubkey(), mints),
            limit=1,
            temporary_rent_lamports=TOKEN_RENT,
        )
        cluster.run(plan.instructions, user)
        balance = cluster.balance(user, market.a)
        assert balance is not None
        assert (balance > planned.quote.amount_out) == (round_number == 2)


@pytest.mark.parametrize("program", [TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID])
def test_account_lengths_are_those_the_associated_token_program_allocates(market: Market, program: Pubkey) -> None:
    cluster, user = market.cluster, market.cluster.rich_wallet()
    plain = cluster.new_mint(program=program)
    account = cluster.account(cluster.fund(user, plain, 1))
    assert account is not None
    assert len(account.data) == associated_account_length(plain)


fees = st.none() | st.builds(
    TransferFee, epoch=st.just(0), bps=st.integers(0, 10_000 // 3), maximum=st.sampled_from([0, 5_000, 10**18])
)


@settings(max_examples=20, deadline=None)
@given(
    taxes=st.tuples(fees, fees, fees),
    depth=st.integers(10**8, 10**13),
    amount=st.integers(10**3, 10**7),
    mode=st.sampled_from(SwapMode),
    hop_slippage_bps=st.sampled_from([0, 25, 1_000]),
)
async def test_every_route_of_two_hops_does_on_chain_what_it_says(
    taxes: tuple[TransferFee | None, ...], depth: int, amount: int, mode: SwapMode, hop_slippage_bps: int
) -> None:
    cluster = SvmCluster()
    a, c, b = (cluster.new_mint(tax) for tax in taxes)
    market = Market(cluster, a, b, c, (cluster.pool({a: depth, c: 2 * depth}), cluster.pool({c: depth, b: 3 * depth})))
    user = cluster.rich_wallet()
    cluster.fund(user, a, 10**15)
    planned = await market.planned(a, b, amount, mode, slippage_bps=0, hop_slippage_bps=hop_slippage_bps)
    prepared = await market.swap(planned, user)
    first, second = planned.quote.route.hops
    assert cluster.balance(user, a) == 10**15 - planned.quote.amount_in
    assert cluster.balance(user, c) == first.amount_out - second.amount_in
    assert cluster.balance(user, b) == planned.quote.amount_out
    assert prepared.simulated == SwapAmounts(amount_in=planned.quote.amount_in, amount_out=planned.quote.amount_out)
