"""CLMM pools: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/instructions (accounts and arguments)."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from random import Random
from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.clmm.addresses import (
    ADDRESSES,
    MEMO_PROGRAM_ID,
    PROGRAM_ID,
    bitmap_extension_address,
    tick_array_address,
)
from dexroute.math.tick import sqrt_price_at_tick
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from tests.differential.making.anchor import RENT_SYSVAR, SYSTEM_PROGRAM, derived, i32, instruction, u8, u16, u32, u64, u128
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import MakingRefused, Stage

ADMIN: Final = Pubkey.from_string("GThUX1Atko4tqhN2NaiTazWSeFWMuiUvfFnyJyUghFMJ")
_ALL: Final = 10**6
_HIGHEST: Final = 443_636
_ARRAY: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    nft: Pubkey
    lower: int
    upper: int
    liquidity: int


class ClmmMaker:
    """Pools of a configuration of their own each, with positions over several tick arrays, near the price and at the ends."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._user = stage.user.pubkey()
        self._index = 0
        stage.fund(ADMIN)

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        self._mints = wish.mints if wish else stage.draw_mints(rng, token_2022=rng.random() < 0.5)
        self._spacing = rng.choice((1, 2, 10, 60, 120))
        self._positions: list[_Position] = []
        config = self._make_config(rng, tame=wish is not None)
        self._pool = ADDRESSES.pool(config, self._mints[0].address, self._mints[1].address)
        # Now and then so far out that the pool's own bitmap does not reach, or that tick arrays end.
        most = rng.choice((100, 30_000, 30_000, 400_000, _HIGHEST - 1))
        self._tick = int(log(wish.price(*self._mints)) / log(1.0001)) if wish else rng.randint(-most, most)
        low, high = sqrt_price_at_tick(self._tick), sqrt_price_at_tick(self._tick + 1)
        self._price = rng.choice((low, rng.randint(low, high - 1)))
        stage.run(self._create_pool(config))
        self._scale = min(wish.amounts.values()) if wish else magnitude(rng, 50, 12)
        opened = 0
        for _ in range(5 if wish else rng.randint(1, 6)):
            try:
                self._open_position(rng)
                opened += 1
            except MakingRefused:
                continue
        if not opened:
            raise MakingRefused("no position could be opened")
        held = {mint.address: stage.amount(ADDRESSES.vault(self._pool, mint.address)) for mint in self._mints}
        return Made(address=self._pool, depths=held)

    def _make_config(self, rng: Random, *, tame: bool) -> Pubkey:
        trade = rng.choice((100, 2_500, 10_000) if tame else (0, 100, 2_500, 10_000, rng.randint(0, _ALL - 1)))
        protocol = rng.choice((0, 120_000, rng.randint(0, _ALL)))
        fund = rng.choice((0, min(40_000, _ALL - protocol), rng.randint(0, _ALL - protocol)))
        config = ADDRESSES.config(self._index)
        arguments = u16(self._index) + u16(self._spacing) + u32(trade) + u32(protocol) + u32(fund)
        create = instruction(PROGRAM_ID, "create_amm_config", arguments, (ADMIN, "ws"), (config, "w"), SYSTEM_PROGRAM)
        self._stage.run(create, payer=ADMIN)
        self._index += 1
        return config

    def _create_pool(self, config: Pubkey) -> Instruction:
        first, second = self._mints
        return instruction(
            PROGRAM_ID,
            "create_pool",
            u128(self._price) + u64(0),
            (self._user, "ws"),
            config,
            (self._pool, "w"),
            first.address,
            second.address,
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            (ADDRESSES.observation(self._pool), "w"),
            (bitmap_extension_address(self._pool), "w"),
            first.token_program,
            second.token_program,
            SYSTEM_PROGRAM,
            RENT_SYSVAR,
        )

    def _open_position(self, rng: Random) -> None:
        lower, upper = self._draw_range(rng)
        liquidity = self._draw_liquidity(rng, lower, upper)
        nft = Pubkey.new_unique()
        arguments = i32(lower) + i32(upper) + i32(self._start(lower)) + i32(self._start(upper))
        arguments += u128(liquidity) + u64(2**64 - 1) * 2 + u8(0) + u8(0)
        open_position = instruction(
            PROGRAM_ID,
            "open_position_with_token22_nft",
            arguments,
            (self._user, "ws"),
            self._user,
            (nft, "ws"),
            (self._nft_account(nft), "w"),
            (self._pool, "w"),
            self._pool,
            *((tick_array_address(self._pool, self._start(tick)), "w") for tick in (lower, upper)),
            (derived(PROGRAM_ID, b"position", nft), "w"),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            RENT_SYSVAR,
            SYSTEM_PROGRAM,
            TOKEN_PROGRAM_ID,
            ASSOCIATED_TOKEN_PROGRAM_ID,
            TOKEN_2022_PROGRAM_ID,
            *(mint.address for mint in self._mints),
            (bitmap_extension_address(self._pool), "w"),
        )
        self._stage.run(open_position)
        self._positions.append(_Position(nft=nft, lower=lower, upper=upper, liquidity=liquidity))

    def _draw_range(self, rng: Random) -> tuple[int, int]:
        """Around the price or beside it, from one spacing wide to everything there is."""
        ends = _HIGHEST // self._spacing
        middle = self._tick // self._spacing
        if rng.random() < 0.15:
            return -ends * self._spacing, ends * self._spacing
        width = rng.choice((2, 30, 120, 700, 40_000))
        if rng.random() < 0.75:
            lower, upper = middle - rng.randint(0, width), middle + 1 + rng.randint(0, width)
        else:
            lower = middle + rng.randint(-3 * width, 3 * width)
            upper = lower + 1 + rng.randint(0, width)
        lower = max(-ends, min(ends - 1, lower))
        return lower * self._spacing, max(lower + 1, min(ends, upper)) * self._spacing

    def _draw_liquidity(self, rng: Random, lower: int, upper: int) -> int:
        """As much as about `scale` of each token buys: floats will do, the program computes what it takes."""
        price = min(max(self._price, sqrt_price_at_tick(lower)), sqrt_price_at_tick(upper)) / 2**64
        low, high = sqrt_price_at_tick(lower) / 2**64, sqrt_price_at_tick(upper) / 2**64
        of_first, of_second = 1 / price - 1 / high, price - low
        amount = self._scale * rng.choice((1, 1, 1, 30, 1 / 30))
        bought = min(amount / share for share in (of_first, of_second) if share > 0)
        return max(1, min(int(bought), 2**127))

    def _start(self, tick: int) -> int:
        span = _ARRAY * self._spacing
        return tick // span * span

    def _nft_account(self, nft: Pubkey) -> Pubkey:
        return derived(ASSOCIATED_TOKEN_PROGRAM_ID, self._user, TOKEN_2022_PROGRAM_ID, nft)

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("open", "decrease", "decrease", "close", "status"))
        if kind == "open" or not self._positions:
            self._open_position(rng)
        elif kind == "status":
            status = u8(rng.choice((0, 0, 0, 16, 15)))
            change = instruction(PROGRAM_ID, "update_pool_status", status, (ADMIN, "s"), (self._pool, "w"))
            self._stage.run(change, payer=ADMIN)
        else:
            position = rng.choice(self._positions)
            taken = position.liquidity if kind == "close" else rng.randint(1, position.liquidity)
            self._positions.remove(position)
            self._stage.run(self._decrease(position, taken))

    def _decrease(self, position: _Position, liquidity: int) -> Instruction:
        return instruction(
            PROGRAM_ID,
            "decrease_liquidity_v2",
            u128(liquidity) + u64(0) * 2,
            (self._user, "s"),
            self._nft_account(position.nft),
            (derived(PROGRAM_ID, b"position", position.nft), "w"),
            (self._pool, "w"),
            self._pool,
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            *((tick_array_address(self._pool, self._start(tick)), "w") for tick in (position.lower, position.upper)),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            TOKEN_PROGRAM_ID,
            TOKEN_2022_PROGRAM_ID,
            MEMO_PROGRAM_ID,
            *(mint.address for mint in self._mints),
            (bitmap_extension_address(self._pool), "w"),
        )
