"""CPMM pools: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/instructions (accounts and arguments).

Written as bytes: the token account that fees for making a pool go to.
"""

from __future__ import annotations

from random import Random
from typing import Final

from solders.account import Account
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.cpmm.addresses import (
    ADDRESSES,
    AUTHORITY,
    PROGRAM_ID,
)
from dexroute.types.mints import (
    ASSOCIATED_TOKEN_PROGRAM_ID,
    NATIVE_MINT,
    TOKEN_2022_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    Mint,
)
from tests.differential.making.anchor import RENT_SYSVAR, SYSTEM_PROGRAM, Marked, derived, instruction, u8, u16, u64
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import Stage
from tests.differential.world import token_account

ADMIN: Final = Pubkey.from_string("GThUX1Atko4tqhN2NaiTazWSeFWMuiUvfFnyJyUghFMJ")
MAKING_FEES: Final = Pubkey.from_string("DNXgeM9EiiaAbaWvwjHj9fQQLAX5ZsfHyvmYUNRAdNC8")
MEMO_V2: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_ALL: Final = 10**6


class CpmmMaker:
    """Pools of a configuration of their own each, with and without a creator's fee."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._index = 0
        self._user = stage.user.pubkey()
        self._permission = derived(PROGRAM_ID, b"permission", self._user)
        stage.fund(ADMIN)
        native = Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)
        stage.svm.set_account(MAKING_FEES, Account(10**9, token_account(native, ADMIN, 0), TOKEN_PROGRAM_ID))
        allow = instruction(
            PROGRAM_ID, "create_permission_pda", b"", (ADMIN, "ws"), self._user, (self._permission, "w"), SYSTEM_PROGRAM
        )
        stage.run(allow, payer=ADMIN)

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        self._mints = wish.mints if wish else stage.draw_mints(rng, token_2022=True)
        self._config = self._make_config(rng, tame=wish is not None)
        self._pool = ADDRESSES.pool(self._config, self._mints[0].address, self._mints[1].address)
        self._lp_mint = derived(PROGRAM_ID, b"pool_lp_mint", self._pool)
        self._lp_account = derived(ASSOCIATED_TOKEN_PROGRAM_ID, self._user, TOKEN_PROGRAM_ID, self._lp_mint)
        amounts = [wish.amounts[mint] if wish else magnitude(rng, 58, 4) for mint in self._mints]
        opening = stage.clock.unix_timestamp + (0 if wish else rng.choice((0, 0, 0, 3, 50)))
        stage.run(self._initialize(rng, amounts, opening))
        # A pool opens a second after it was made.
        stage.later(1 if wish else rng.choice((0, 1, 1, 1, 1, 1, 60)))
        return Made(address=self._pool, depths=dict(zip((mint.address for mint in self._mints), amounts, strict=True)))

    def _make_config(self, rng: Random, *, tame: bool) -> Pubkey:
        trade = rng.choice((100, 2_500, 10_000) if tame else (0, 100, 2_500, 10_000, rng.randint(0, _ALL - 1)))
        creator = rng.choice((0, 500) if tame else (0, 500, 10_000, rng.randint(0, _ALL - 1 - trade)))
        protocol = rng.choice((0, 120_000, rng.randint(0, _ALL)))
        fund = rng.choice((0, min(40_000, _ALL - protocol), rng.randint(0, _ALL - protocol)))
        config = ADDRESSES.config(self._index)
        rates = u64(trade) + u64(protocol) + u64(fund) + u64(rng.choice((0, 1_000))) + u64(min(creator, _ALL - 1 - trade))
        self._stage.run(
            instruction(PROGRAM_ID, "create_amm_config", u16(self._index) + rates, (ADMIN, "ws"), (config, "w"), SYSTEM_PROGRAM),
            payer=ADMIN,
        )
        self._index += 1
        return config

    def _initialize(self, rng: Random, amounts: list[int], opening: int) -> Instruction:
        first, second = self._mints
        with_permission = rng.random() < 0.7
        arguments = u64(amounts[0]) + u64(amounts[1]) + u64(opening)
        made: list[Marked] = [
            self._config,
            AUTHORITY,
            (self._pool, "w"),
            first.address,
            second.address,
            (self._lp_mint, "w"),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (self._lp_account, "w"),
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            (MAKING_FEES, "w"),
            (ADDRESSES.observation(self._pool), "w"),
        ]
        programs = [
            TOKEN_PROGRAM_ID,
            first.token_program,
            second.token_program,
            ASSOCIATED_TOKEN_PROGRAM_ID,
            SYSTEM_PROGRAM,
        ]
        if with_permission:
            arguments += u8(rng.randint(0, 2))
            everything: list[Marked] = [(self._user, "ws"), self._user, *made, self._permission, *programs]
            return instruction(PROGRAM_ID, "initialize_with_permission", arguments, *everything)
        return instruction(PROGRAM_ID, "initialize", arguments, (self._user, "ws"), *made, *programs, RENT_SYSVAR)

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("deposit", "deposit", "withdraw", "collect", "status"))
        if kind == "collect":
            self._stage.run(self._collect(), payer=ADMIN)
        elif kind == "status":
            status = u8(rng.choice((0, 0, 0, 4, 3)))
            self._stage.run(instruction(PROGRAM_ID, "update_pool_status", status, (ADMIN, "s"), (self._pool, "w")), payer=ADMIN)
        else:
            shares = rng.randint(1, max(1, self._stage.amount(self._lp_account)))
            self._stage.run(self._change(kind, shares))

    def _change(self, kind: str, shares: int) -> Instruction:
        limits = u64(2**64 - 1) * 2 if kind == "deposit" else u64(0) * 2
        first, second = self._mints
        return instruction(
            PROGRAM_ID,
            kind,
            u64(shares) + limits,
            (self._user, "s"),
            AUTHORITY,
            (self._pool, "w"),
            (self._lp_account, "w"),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            TOKEN_PROGRAM_ID,
            TOKEN_2022_PROGRAM_ID,
            first.address,
            second.address,
            (self._lp_mint, "w"),
            *([MEMO_V2] if kind == "withdraw" else []),
        )

    def _collect(self) -> Instruction:
        return instruction(
            PROGRAM_ID,
            "collect_protocol_fee",
            u64(2**64 - 1) * 2,
            (ADMIN, "s"),
            AUTHORITY,
            (self._pool, "w"),
            self._config,
            *((ADDRESSES.vault(self._pool, mint.address), "w") for mint in self._mints),
            *(mint.address for mint in self._mints),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            TOKEN_PROGRAM_ID,
            TOKEN_2022_PROGRAM_ID,
        )
