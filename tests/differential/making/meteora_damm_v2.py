"""DAMM v2 pools: MeteoraAg/damm-v2-sdk@1872ee3, src/idl/cp_amm.json (accounts and arguments), src/helpers/validation.ts (what the
program takes).

Written as bytes: the operator's record, which an administrator alone can make.
"""

from __future__ import annotations

from random import Random
from typing import Final

from solders.account import Account
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.meteora.damm_v2.addresses import (
    EVENT_AUTHORITY,
    POOL_AUTHORITY,
    PROGRAM_ID,
    customizable_pool_address,
    vault_address,
)
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from tests.differential.making.anchor import (
    SYSTEM_PROGRAM,
    account_discriminator,
    derived,
    instruction,
    u8,
    u16,
    u32,
    u64,
    u128,
)
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import Stage

OPERATOR: Final = Pubkey.from_string("opo7iEdvn3zLiLkLRHGSGJJv8zsWgUd5fs3Sd9HAjqs")
_LOWEST, _HIGHEST = 4_295_048_016, 79_226_673_521_066_979_257_578_248_091
_LEAST_FEE, _MOST_FEE = 100_000, 990_000_000
_COMPOUNDING: Final = 2


class DammV2Maker:
    """Customizable pools of every base fee, collect mode and range."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._user = stage.user.pubkey()
        self._operator = derived(PROGRAM_ID, b"operator", OPERATOR)
        stage.fund(OPERATOR)
        record = account_discriminator("Operator") + bytes(OPERATOR) + u128(2**128 - 1) + bytes(16)
        stage.svm.set_account(self._operator, Account(10**9, record, PROGRAM_ID))

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        self._wish = wish
        mints = list(wish.mints if wish else stage.draw_mints(rng, token_2022=rng.random() < 0.5))
        rng.shuffle(mints)
        self._mints = mints
        first, second = (mint.address for mint in mints)
        self._pool = customizable_pool_address(first, second)
        self._nft = Pubkey.new_unique()
        self._draw_curve(rng)
        stage.run(self._initialize(rng))
        stage.later(1 if wish else rng.choice((0, 0, 1, 5, 40)))
        held = {mint.address: stage.amount(vault_address(self._pool, mint.address)) for mint in mints}
        return Made(address=self._pool, depths=held)

    def _draw_curve(self, rng: Random) -> None:
        """The collect mode, the range, the price and the liquidity."""
        self._mode = rng.choice((0, 1, 2))
        drawn = 2 ** rng.uniform(*rng.choice(((-2, 2), (-20, 20), (-31, 31))))
        root = self._wish.price(*self._mints) ** 0.5 if self._wish else drawn
        self._price = min(max(int(2**64 * root), _LOWEST), _HIGHEST)
        low, high = _LOWEST, _HIGHEST
        if rng.random() < 0.6:
            low = max(_LOWEST, int(self._price / (1 + rng.choice((0, 0.001, 0.2, 3)) * rng.random())))
            high = min(_HIGHEST, max(low + 1, int(self._price * (1 + rng.choice((0, 0.001, 0.2, 3)) * rng.random()))))
        self._low, self._high = min(low, self._price), max(high, self._price)
        self._scale = min(self._wish.amounts.values()) if self._wish else magnitude(rng, 52, 8)
        price, top, bottom = self._price / 2**64, self._high / 2**64, self._low / 2**64
        if self._mode == _COMPOUNDING:
            top, bottom = 2.0**64, 0.0
        shares = [share for share in (1 / price - 1 / top, price - bottom) if share > 0]
        bought = min(self._scale / share for share in shares) if shares else self._scale
        self._liquidity = max(2**64, min(int(bought), 2**60) << 64 | rng.getrandbits(64))

    def _initialize(self, rng: Random) -> Instruction:
        slots = rng.random() < 0.3
        now = self._stage.clock.slot if slots else self._stage.clock.unix_timestamp
        activation = None if self._wish else rng.choice((None, None, now, now + 1, now + 20))
        arguments = (
            self._draw_fees(rng, slots=slots)
            + u128(self._low)
            + u128(self._high)
            + u8(0)
            + u128(self._liquidity)
            + u128(self._price)
            + u8(0 if slots else 1)
            + u8(self._mode)
            + (u8(0) if activation is None else u8(1) + u64(activation))
        )
        return instruction(
            PROGRAM_ID,
            "initialize_customizable_pool",
            arguments,
            self._user,
            (self._nft, "ws"),
            (self._nft_account(), "w"),
            (self._user, "ws"),
            POOL_AUTHORITY,
            (self._pool, "w"),
            (self._position(), "w"),
            *(mint.address for mint in self._mints),
            *((vault_address(self._pool, mint.address), "w") for mint in self._mints),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            *(mint.token_program for mint in self._mints),
            TOKEN_2022_PROGRAM_ID,
            SYSTEM_PROGRAM,
            EVENT_AUTHORITY,
            PROGRAM_ID,
        )

    def _draw_fees(self, rng: Random, *, slots: bool) -> bytes:
        kinds = [0, 0, 1, 3, 4] + ([2, 2, 2] if self._mode == 1 else [])
        base = self._draw_base_fee(rng, rng.choice(kinds), slots=slots)
        compounding = rng.randint(1, 10_000) if self._mode == _COMPOUNDING else 0
        return base + u16(compounding) + u8(0) + _draw_dynamic_fee(rng)

    def _draw_base_fee(self, rng: Random, kind: int, *, slots: bool) -> bytes:
        cliff = rng.choice((_LEAST_FEE, 2_500_000, 10_000_000, 500_000_000, rng.randint(_LEAST_FEE, _MOST_FEE)))
        cliff = min(cliff, 10_000_000) if self._wish else cliff
        if kind == 2:
            top = rng.randint(-(-cliff // 100_000), 9_900)
            duration = rng.randint(1, 108_000 if slots else 43_200)
            limiter = u64(cliff) + u16(rng.randint(1, rng.choice((20, 5_000)))) + u32(duration) + u32(top)
            return limiter + u64(max(1, self._scale // rng.choice((1, 10, 500)))) + u8(2)
        if kind == 0 and rng.random() < 0.4:
            return u64(cliff) + u16(0) + u64(0) + u64(0) + u8(0)
        periods = rng.choice((1, 5, 100, rng.randint(1, 2_000)))
        reduction = self._draw_reduction(rng, kind, cliff, periods)
        if kind in (0, 1):
            return u64(cliff) + u16(periods) + u64(rng.choice((1, 10, 300))) + u64(reduction) + u8(kind)
        step, lifetime = rng.choice((1, 10, 100, 1_000)), rng.choice((1, 50, 5_000, 10**6))
        return u64(cliff) + u16(periods) + u32(step) + u32(lifetime) + u64(reduction) + u8(kind)

    def _draw_reduction(self, rng: Random, kind: int, cliff: int, periods: int) -> int:
        """What a period takes off, so little that the least fee is left."""
        if kind in (0, 3):
            return rng.randint(1, max(1, (cliff - _LEAST_FEE) // periods))
        most = 1 - (_LEAST_FEE / cliff) ** (1 / periods)
        return rng.randint(1, max(1, int(most * 10_000)))

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("add_liquidity", "add_liquidity", "remove_liquidity", "status"))
        if kind == "status":
            status = instruction(
                PROGRAM_ID,
                "set_pool_status",
                u8(rng.choice((0, 0, 1))),
                (self._pool, "w"),
                self._operator,
                (OPERATOR, "s"),
                EVENT_AUTHORITY,
                PROGRAM_ID,
            )
            self._stage.run(status, payer=OPERATOR)
            return
        adding = kind == "add_liquidity"
        change = max(1, int(self._liquidity * rng.choice((0.001, 0.3, 0.9))))
        limits = u64(2**64 - 1) * 2 if adding else u64(0) * 2
        self._stage.run(
            instruction(
                PROGRAM_ID,
                kind,
                u128(change) + limits,
                *([] if adding else [POOL_AUTHORITY]),
                (self._pool, "w"),
                (self._position(), "w"),
                *((self._stage.tokens[mint.address], "w") for mint in self._mints),
                *((vault_address(self._pool, mint.address), "w") for mint in self._mints),
                *(mint.address for mint in self._mints),
                self._nft_account(),
                (self._user, "s"),
                *(mint.token_program for mint in self._mints),
                EVENT_AUTHORITY,
                PROGRAM_ID,
            )
        )

    def _position(self) -> Pubkey:
        return derived(PROGRAM_ID, b"position", self._nft)

    def _nft_account(self) -> Pubkey:
        return derived(PROGRAM_ID, b"position_nft_account", self._nft)


def _draw_dynamic_fee(rng: Random) -> bytes:
    if rng.random() < 0.5:
        return u8(0)
    filter_period = rng.choice((1, 10, 30))
    decay = filter_period + rng.choice((1, 110, 600))
    most, control = rng.randint(0, 2**24 - 1), rng.randint(0, 2**24 - 1)
    if rng.random() < 0.5:
        most, control = 14_460_000, 956
    parameters = u16(1) + u128(1_844_674_407_370_955) + u16(filter_period) + u16(decay) + u16(rng.randint(0, 10_000))
    return u8(1) + parameters + u32(most) + u32(control)
