"""States nobody recorded: liquidity, orders, fees, volatility, vault profit and prices drawn by hypothesis, written over a recorded
state, and swapped by the real programs. Whatever happens there, the quote said so: amounts, accounts left behind, or the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from solders.account import Account
from solders.pubkey import Pubkey
from solders.transaction_metadata import TransactionMetadata

from dexroute.errors import QuoteError
from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.differential.world import ProgramAbsent, World, real_program
from tests.vectors import state_named

EXAMPLES = settings(
    max_examples=60, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate), database=None
)
# Two worlds a venue: where limit orders count and where Token-2022 fees do, and each curve of DAMM v1 over its vaults.
DLMM_STATES = ("limit-orders-half-filled", "token2022-fee-x")
DAMM_V1_STATES = ("product-locked-profit", "stable-spl-stake-expired")
magnitudes = st.integers(0, 62).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1) - 1))
small_magnitudes = st.integers(0, 50).flatmap(lambda bits: st.integers(2**bits, 2 ** (bits + 1) - 1))

Write = Callable[[Pubkey, int, int, int], None]


@cache
def world_of(venue: str, name: str) -> World:
    """One world a state: opening one costs more than swapping in it."""
    return World(state_named(venue, name), real_program(venue))


def world_or_skip(venue: str, name: str) -> World:
    try:
        world = world_of(venue, name)
    except ProgramAbsent as reason:
        pytest.skip(str(reason))
    world.restore()
    world.set_clock(world.state.snapshot.clock)
    return world


def writer(world: World) -> Write:
    def write(address: Pubkey, offset: int, width: int, value: int) -> None:
        account = world.svm.get_account(address)
        assert account is not None
        content = value.to_bytes(width, "little", signed=value < 0)
        data = account.data[:offset] + content + account.data[offset + width :]
        world.svm.set_account(address, Account(account.lamports, data, account.owner))

    return write


def assert_as_quoted(world: World, request: QuoteRequest) -> bool:
    """Swaps twice, the second time in the pool the first swap left behind. Whether anything was swapped."""
    pool = world.decoded()
    swapped = False
    for _ in range(2):
        before = world.balance(request.input_mint), world.balance(request.output_mint)
        limit = 0 if request.mode is SwapMode.EXACT_IN else before[0]
        try:
            quote = pool.quote(request)
        except QuoteError as refusal:
            result = world.swap(pool, request, limit)
            assert not isinstance(result, TransactionMetadata), (request, refusal)
            code = re.search(r"Custom\D*(\d+)", str(result.err()))
            if refusal.program_error is not None and request.amount <= before[0]:
                assert code is not None
                assert int(code[1]) == refusal.program_error, (request, result.err())
            return swapped
        if not world.affords(request, quote):
            return swapped
        world.assert_executes(pool, request, quote)
        swapped, pool = True, quote.next_pool
    return swapped


@pytest.mark.parametrize("name", DLMM_STATES)
def test_dlmm_pairs_of_any_bins_fees_and_volatility(name: str) -> None:
    world_or_skip("meteora-dlmm", name)
    outcomes: list[bool] = []

    @EXAMPLES
    @given(
        data=st.data(),
        amount=magnitudes,
        down=st.booleans(),
        mode=st.sampled_from(SwapMode),
        later=st.sampled_from((0, 20, 300, 9_000)),
    )
    def swap(data: st.DataObject, amount: int, down: bool, mode: SwapMode, later: int) -> None:
        world = world_or_skip("meteora-dlmm", name)
        write, pool = writer(world), world.pool
        assert isinstance(pool, DlmmPool)
        write(pool.address, 8, 2, data.draw(st.integers(0, 20_000), label="base factor"))
        write(pool.address, 16, 4, data.draw(st.integers(0, 200_000), label="variable fee control"))
        write(pool.address, 36, 1, data.draw(st.integers(0, 1), label="fee in Y"))
        write(pool.address, 40, 4, data.draw(st.integers(0, 400_000), label="accumulator"))
        write(pool.address, 44, 4, data.draw(st.integers(0, 400_000), label="reference"))
        write(pool.address, 48, 4, pool.active_id + data.draw(st.integers(-40, 40), label="index reference"))
        write(pool.address, 56, 8, world.clock.unix_timestamp - later)
        for index in pool.arrays:
            array = next(
                address
                for address, account in world.state.snapshot.accounts.items()
                if account is not None
                and len(account.data) == 10_136
                and int.from_bytes(account.data[8:16], "little", signed=True) == index
            )
            for position, entry in enumerate(pool.arrays[index].bins):
                if entry is None or data.draw(st.integers(0, 3)):
                    continue
                offset = 56 + 144 * position
                if entry.x or entry.y:
                    write(array, offset + (0 if entry.x else 8), 8, data.draw(small_magnitudes))
                if entry.open_orders or entry.partly_filled:
                    write(array, offset + 112, 8, data.draw(small_magnitudes))
                    write(array, offset + 128, 8, data.draw(small_magnitudes))
        for reserve in pool.settings.reserves:
            write(reserve, 64, 8, 2**62)
        mint_in, mint_out = (mint.address for mint in (pool.mints if down else reversed(pool.mints)))
        outcomes.append(assert_as_quoted(world, QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=amount, mode=mode)))

    swap()
    assert len(outcomes) >= 50
    assert sum(outcomes) >= 10


@pytest.mark.parametrize("name", DAMM_V1_STATES)
def test_damm_v1_pools_of_any_vaults_fees_and_profit(name: str) -> None:
    world_or_skip("meteora-damm-v1", name)
    outcomes: list[bool] = []

    @EXAMPLES
    @given(data=st.data(), amount=small_magnitudes, flip=st.booleans())
    def swap(data: st.DataObject, amount: int, flip: bool) -> None:
        world = world_or_skip("meteora-damm-v1", name)
        write, pool = writer(world), world.pool
        assert isinstance(pool, DammV1Pool)
        write(pool.address, 330, 8, data.draw(st.integers(0, 15_000), label="trade fee"))
        write(pool.address, 346, 8, data.draw(st.integers(0, 50_000), label="protocol fee"))
        # Far from balance the stable curve does not settle; the two reserves stay within a hundredfold.
        wealth = data.draw(st.integers(10**6, 10**15), label="wealth")
        for side in pool.sides:
            total = wealth * data.draw(st.integers(1, 100), label="balance")
            share_price = data.draw(st.integers(50, 300), label="share price")
            supply = total * 100 // share_price
            write(side.accounts.vault, 11, 8, total)
            write(side.accounts.vault, 1203, 8, total * data.draw(st.integers(0, 30), label="locked percent") // 100)
            write(
                side.accounts.vault, 1211, 8, world.clock.unix_timestamp - data.draw(st.integers(0, 30_000), label="since report")
            )
            write(side.accounts.vault, 1219, 8, data.draw(st.integers(0, 10**9), label="degradation"))
            write(side.accounts.lp_mint, 36, 8, supply)
            write(side.accounts.pool_lp, 64, 8, supply * data.draw(st.integers(1, 100), label="share percent") // 100)
            write(side.accounts.cash, 64, 8, total * data.draw(st.sampled_from((1, 50, 100)), label="cash percent") // 100)
        mint_in, mint_out = (mint.address for mint in (reversed(pool.mints) if flip else pool.mints))
        outcomes.append(
            assert_as_quoted(world, QuoteRequest(input_mint=mint_in, output_mint=mint_out, amount=min(amount + 1, U64_MAX)))
        )

    swap()
    assert len(outcomes) >= 50
    assert sum(outcomes) >= 10


def test_a_written_state_is_read_back() -> None:
    world = world_or_skip("meteora-dlmm", DLMM_STATES[0])
    pool = world.pool
    assert isinstance(pool, DlmmPool)
    writer(world)(pool.address, 40, 4, 77)
    decoded = world.decoded()
    assert isinstance(decoded, DlmmPool)
    assert decoded == replace(pool, volatility=replace(pool.volatility, accumulator=77))
