"""DLMM pairs: MeteoraAg/dlmm-sdk@fb02e51, idls/dlmm.json (accounts and arguments), commons/src/pda.rs (seeds).

Written as bytes: the operator's record, which an administrator alone can make; with it presets are made by their instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random
from typing import Final

from solders.account import Account
from solders.pubkey import Pubkey

from dexroute.fetchers.meteora.dlmm.addresses import (
    EVENT_AUTHORITY,
    MEMO_PROGRAM_ID,
    PROGRAM_ID,
    bin_array_address,
    bitmap_extension_address,
)
from dexroute.types.mints import Mint
from tests.differential.making.anchor import (
    SYSTEM_PROGRAM,
    Marked,
    account_discriminator,
    derived,
    i32,
    i64,
    instruction,
    u8,
    u16,
    u32,
    u64,
    u128,
)
from tests.differential.making.dlmm_draws import draw_base_fee, draw_dynamic_fee, draw_spread
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import MakingRefused, Stage

OPERATOR: Final = Pubkey.from_string("opo7iEdvn3zLiLkLRHGSGJJv8zsWgUd5fs3Sd9HAjqs")
LAUNCH_BASE: Final = Pubkey.from_string("MFGQxwAmB91SwuYX36okv2Qmdc9aMuHTwWGUrp4AtB1")
USDC: Final = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
_ARRAY: Final = 70
_ABSENT: Final = PROGRAM_ID  # how an Anchor program is told that an optional account is not given


class DlmmMaker:
    """Pairs from presets of their own and launch pairs, with positions over many bins, and limit orders where they count."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._user = stage.user.pubkey()
        self._index = 0
        self._operator = derived(PROGRAM_ID, b"operator", OPERATOR)
        stage.fund(OPERATOR)
        record = account_discriminator("Operator") + bytes(OPERATOR) + u128(2**128 - 1) + bytes(16)
        stage.svm.set_account(self._operator, Account(10**9, record, PROGRAM_ID))
        self._usdc = stage.make_mint(USDC)

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        self._wish = wish
        self._orders = rng.random() < 0.5
        self._step = rng.choice((1, 2, 5, 10, 20, 25, 80, 100, 200, 400))
        self._positions: list[tuple[Pubkey, int, int]] = []
        self._arrays: set[int] = set()
        self._mints = list(wish.mints) if wish else []
        rng.shuffle(self._mints)
        self._active = self._draw_active(rng)
        # Where the active array lies beyond the pair's own bitmap the extension is made with the pair.
        self._extended = abs(self._active) > 500 * _ARRAY
        if wish is None and rng.random() < 0.25:
            self._make_launch_pair(rng)
        else:
            self._make_pair_of_preset(rng)
        self._scale = min(wish.amounts.values()) if wish else magnitude(rng, 50, 4)
        opened = sum(self._tried(lambda: self._deposit(rng)) for _ in range(4 if wish else rng.randint(1, 4)))
        if not opened:
            raise MakingRefused("no position could be opened")
        if self._orders:
            for _ in range(rng.randint(0, 4)):
                self._tried(lambda: self._place_order(rng))
        return Made(address=self._pair, depths={mint.address: stage.amount(self._reserve(mint)) for mint in self._mints})

    def _tried(self, what: Callable[[], None]) -> bool:
        try:
            what()
        except MakingRefused:
            return False
        return True

    def _draw_active(self, rng: Random) -> int:
        if self._wish is not None:
            return round(log(self._wish.price(*self._mints)) / log(1 + self._step / 10_000))
        most = min(rng.choice((10, 500, 500, 40_000, 351_000)), 351_639 // self._step - 200)
        return rng.randint(-most, most)

    def _make_pair_of_preset(self, rng: Random) -> None:
        if self._wish is None:
            self._mints = list(self._stage.draw_mints(rng, token_2022=rng.random() < 0.5))
            rng.shuffle(self._mints)
        mints = self._mints
        preset = derived(PROGRAM_ID, b"preset_parameter2", u16(self._index))
        factor, power = draw_base_fee(rng, self._step, most_bps=100 if self._wish else 1_000)
        filter_period, decay_period, reduction, control, most = draw_dynamic_fee(rng)
        arguments = u16(self._index) + u16(self._step) + u16(factor) + u16(filter_period) + u16(decay_period)
        arguments += u16(reduction) + u32(control) + u32(most) + u16(rng.randint(0, 2_500)) + u8(power)
        arguments += u8(0 if self._orders else 1) + u8(rng.randint(0, 1))
        self._index += 1
        accounts: list[Marked] = [(preset, "w"), self._operator, (OPERATOR, "s"), (OPERATOR, "ws"), SYSTEM_PROGRAM]
        self._stage.run(instruction(PROGRAM_ID, "initialize_preset_parameter", arguments, *accounts), payer=OPERATOR)
        self._pair = derived(PROGRAM_ID, preset, *sorted((mint.address for mint in mints), key=bytes))
        opening = instruction(
            PROGRAM_ID,
            "initialize_lb_pair2",
            i32(self._active) + bytes(96),
            (self._pair, "w"),
            self._extension(),
            *self._both(),
            (derived(PROGRAM_ID, b"oracle", self._pair), "w"),
            preset,
            (self._user, "ws"),
            _ABSENT,
            _ABSENT,
            *(mint.token_program for mint in mints),
            SYSTEM_PROGRAM,
            EVENT_AUTHORITY,
            PROGRAM_ID,
        )
        self._stage.run(opening)

    def _make_launch_pair(self, rng: Random) -> None:
        self._mints = [self._stage.make_mint(Pubkey(rng.randbytes(32))), self._usdc]
        self._pair = derived(PROGRAM_ID, LAUNCH_BASE, *sorted((mint.address for mint in self._mints), key=bytes))
        factor, power = draw_base_fee(rng, self._step)
        slots = rng.random() < 0.5
        now = self._stage.clock.slot if slots else self._stage.clock.unix_timestamp
        point = rng.choice((None, None, now + 1, now + 30))
        arguments = i32(self._active) + u16(self._step) + u16(factor) + u8(0 if slots else 1) + u8(0)
        arguments += (u8(0) if point is None else u8(1) + u64(point)) + u8(rng.randint(0, 1)) + u8(power)
        arguments += u8(0 if self._orders else 1) + u8(rng.randint(0, 1)) + bytes(60)
        opening = instruction(
            PROGRAM_ID,
            "initialize_customizable_permissionless_lb_pair2",
            arguments,
            (self._pair, "w"),
            self._extension(),
            *self._both(),
            (derived(PROGRAM_ID, b"oracle", self._pair), "w"),
            self._stage.tokens[self._mints[0].address],
            (self._user, "ws"),
            _ABSENT,
            _ABSENT,
            *(mint.token_program for mint in self._mints),
            SYSTEM_PROGRAM,
            self._stage.tokens[self._mints[1].address],
            EVENT_AUTHORITY,
            PROGRAM_ID,
        )
        self._stage.run(opening)

    def _both(self) -> list[Marked]:
        return [*(mint.address for mint in self._mints), *((self._reserve(mint), "w") for mint in self._mints)]

    def _reserve(self, mint: Mint) -> Pubkey:
        return derived(PROGRAM_ID, self._pair, mint.address)

    def _extension(self) -> Marked:
        return (bitmap_extension_address(self._pair), "w") if self._extended else (_ABSENT, "")

    def _arrays_of(self, bins: list[int]) -> list[Marked]:
        """The bin arrays of these bins, made where they do not exist yet."""
        indexes = sorted({at // _ARRAY for at in bins})
        for index in indexes:
            if index not in self._arrays:
                accounts: list[Marked] = [self._pair, (bin_array_address(self._pair, index), "w"), (self._user, "ws")]
                self._stage.run(instruction(PROGRAM_ID, "initialize_bin_array", i64(index), *accounts, SYSTEM_PROGRAM))
                self._arrays.add(index)
        return [(bin_array_address(self._pair, index), "w") for index in indexes]

    def _deposit(self, rng: Random) -> None:
        """A position of its own, with random shares in random bins of it."""
        width = rng.choice((1, 5, 30, 70))
        lower = self._active - rng.randint(0, width) if rng.random() < 0.7 else self._active + rng.randint(-150, 150)
        position = Pubkey.new_unique()
        opening: list[Marked] = [(self._user, "ws"), (position, "ws"), self._pair, (self._user, "s"), SYSTEM_PROGRAM]
        self._stage.run(
            instruction(PROGRAM_ID, "initialize_position2", i32(lower) + i32(width), *opening, EVENT_AUTHORITY, PROGRAM_ID)
        )
        bins = sorted(rng.sample(range(lower, lower + width), rng.randint(1, width)))
        arrays = self._arrays_of([lower, lower + width - 1])
        active = self._active_now()
        shares = draw_spread(rng, bins, active)
        amounts = [self._scale * rng.randint(1, 4) if there else 0 for there in (bins[-1] >= active, bins[0] <= active)]
        arguments = u64(amounts[0]) + u64(amounts[1]) + u32(len(bins))
        arguments += b"".join(i32(at) + u16(x) + u16(y) for at, (x, y) in zip(bins, shares, strict=True)) + u32(0)
        self._stage.run(
            instruction(
                PROGRAM_ID, "add_liquidity2", arguments, (position, "w"), *self._sides(), EVENT_AUTHORITY, PROGRAM_ID, *arrays
            )
        )
        self._positions.append((position, lower, width))

    def _sides(self) -> list[Marked]:
        """What the instructions that move liquidity have in common."""
        return [
            (self._pair, "w"),
            self._extension(),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            *((self._reserve(mint), "w") for mint in self._mints),
            *(mint.address for mint in self._mints),
            (self._user, "s"),
            *(mint.token_program for mint in self._mints),
        ]

    def _active_now(self) -> int:
        pair = self._stage.svm.get_account(self._pair)
        assert pair is not None
        return int.from_bytes(pair.data[76:80], "little", signed=True)

    def _place_order(self, rng: Random) -> None:
        """An order to sell one token in a few bins on its side of the price."""
        ask, active = rng.random() < 0.5, self._active_now()
        offsets = rng.sample(range(1, 40), rng.randint(1, 6)) + ([0] if rng.random() < 0.3 else [])
        bins = sorted(active + offset if ask else active - offset for offset in offsets)
        mint = self._mints[0 if ask else 1]
        arrays = self._arrays_of(bins)
        amounts = b"".join(i32(at) + u64(max(1, int(self._scale * rng.random()))) for at in bins)
        self._stage.run(
            instruction(
                PROGRAM_ID,
                "place_limit_order",
                u8(ask) + bytes(16) + u8(0) + u32(len(bins)) + amounts + u32(0),
                (self._pair, "w"),
                self._extension(),
                (self._reserve(mint), "w"),
                mint.address,
                (Pubkey.new_unique(), "ws"),
                (self._user, "ws"),
                self._user,
                (self._stage.tokens[mint.address], "w"),
                (self._user, "s"),
                mint.token_program,
                SYSTEM_PROGRAM,
                EVENT_AUTHORITY,
                PROGRAM_ID,
                *arrays,
            )
        )

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("deposit", "order", "remove", "remove", "status", "fee"))
        if kind == "deposit":
            self._deposit(rng)
        elif kind == "order":
            self._place_order(rng)
        elif kind == "remove":
            self._remove(rng)
        elif kind == "status":
            accounts: list[Marked] = [(self._pair, "w"), self._operator, (OPERATOR, "s")]
            status = u8(rng.choice((0, 0, 0, 1)))
            self._stage.run(instruction(PROGRAM_ID, "set_pair_status", status, *accounts), payer=OPERATOR)
        else:
            filter_period, decay_period, reduction, control, most = draw_dynamic_fee(rng)
            arguments = u16(filter_period) + u16(decay_period) + u16(reduction) + u32(control) + u32(most)
            changed: list[Marked] = [(self._pair, "w"), self._operator, (OPERATOR, "s"), EVENT_AUTHORITY, PROGRAM_ID]
            self._stage.run(instruction(PROGRAM_ID, "update_dynamic_fee_parameters", arguments, *changed), payer=OPERATOR)

    def _remove(self, rng: Random) -> None:
        position, lower, width = rng.choice(self._positions)
        first, last = sorted(rng.choices(range(lower, lower + width), k=2))
        arguments = i32(first) + i32(last) + u16(rng.choice((10_000, rng.randint(1, 10_000)))) + u32(0)
        arrays = self._arrays_of([lower, lower + width - 1])
        removal = [(position, "w"), *self._sides(), MEMO_PROGRAM_ID, EVENT_AUTHORITY, PROGRAM_ID, *arrays]
        self._stage.run(instruction(PROGRAM_ID, "remove_liquidity_by_range2", arguments, *removal))
