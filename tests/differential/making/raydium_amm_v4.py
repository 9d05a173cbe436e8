"""AMM v4 pools with markets: raydium-io/raydium-amm@c613c87, program/src/instruction.rs (accounts and arguments).

Written as bytes: the token account that fees for making a pool go to, and what a market is made of (`openbook`).
"""

from __future__ import annotations

from random import Random
from typing import Final

from solders.account import Account
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.amm_v4.addresses import (
    AUTHORITY,
    AUTHORITY_NONCE,
    PROGRAM_ID,
    open_orders_address,
    pool_address,
    vault_addresses,
)
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, NATIVE_MINT, TOKEN_PROGRAM_ID, Mint
from tests.differential.making.anchor import RENT_SYSVAR, SYSTEM_PROGRAM, Marked, derived, metas, u8, u64
from tests.differential.making.openbook import OPENBOOK_ID, stand_in_for_openbook, write_market, write_open_orders
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import Stage
from tests.differential.world import token_account

ADMIN: Final = Pubkey.from_string("GThUX1Atko4tqhN2NaiTazWSeFWMuiUvfFnyJyUghFMJ")
MAKING_FEES: Final = Pubkey.from_string("7YttLkHDoNj9wyDur5pM1ejNaAvT9X4eqaYcHQqtj2G5")
_CONFIG: Final = derived(PROGRAM_ID, b"amm_config_account_seed")
_INITIALIZE, _DEPOSIT, _WITHDRAW, _SET_PARAMS, _CREATE_CONFIG = 1, 3, 4, 6, 14
_STATUS, _FEES = 0, 9


class AmmV4Maker:
    """Pools each with a market of its own, on which they make no orders."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._user = stage.user.pubkey()
        stand_in_for_openbook(stage)
        stage.fund(ADMIN)
        native = Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)
        stage.svm.set_account(MAKING_FEES, Account(10**9, token_account(native, ADMIN, 0), TOKEN_PROGRAM_ID))
        config: list[Marked] = [(ADMIN, "ws"), (_CONFIG, "w"), ADMIN, SYSTEM_PROGRAM, RENT_SYSVAR]
        stage.run(Instruction(PROGRAM_ID, bytes([_CREATE_CONFIG]), metas(*config)), payer=ADMIN)

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        first, second = wish.mints if wish else stage.draw_mints(rng, token_2022=False)
        self._mints = (first, second) if rng.random() < 0.5 else (second, first)
        self._market = write_market(stage, rng, self._mints)
        market = self._market.market
        self._pool, self._vaults = pool_address(market), vault_addresses(market)
        self._targets = derived(PROGRAM_ID, PROGRAM_ID, market, b"target_associated_seed")
        self._lp_mint = derived(PROGRAM_ID, PROGRAM_ID, market, b"lp_mint_associated_seed")
        self._lp_account = derived(ASSOCIATED_TOKEN_PROGRAM_ID, self._user, TOKEN_PROGRAM_ID, self._lp_mint)
        amounts = [wish.amounts[mint] if wish else magnitude(rng, 54, 20) for mint in self._mints]
        opening = 0 if wish else rng.choice((0, 0, stage.clock.unix_timestamp + rng.choice((1, 20))))
        stage.run(self._initialize(amounts, opening))
        write_open_orders(stage, open_orders_address(market), self._market, AUTHORITY)
        if wish is None and rng.random() < 0.7:
            stage.run(self._set_fees(rng), payer=ADMIN)
        stage.later(1 if wish else rng.choice((0, 1, 1, 30)))
        return Made(address=self._pool, depths=dict(zip((mint.address for mint in self._mints), amounts, strict=True)))

    def _initialize(self, amounts: list[int], opening: int) -> Instruction:
        accounts: list[Marked] = [
            TOKEN_PROGRAM_ID,
            ASSOCIATED_TOKEN_PROGRAM_ID,
            SYSTEM_PROGRAM,
            RENT_SYSVAR,
            (self._pool, "w"),
            AUTHORITY,
            (open_orders_address(self._market.market), "w"),
            (self._lp_mint, "w"),
            *(mint.address for mint in self._mints),
            *((vault, "w") for vault in self._vaults),
            (self._targets, "w"),
            _CONFIG,
            (MAKING_FEES, "w"),
            OPENBOOK_ID,
            (self._market.market, "w"),
            (self._user, "ws"),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (self._lp_account, "w"),
        ]
        data = u8(_INITIALIZE) + u8(AUTHORITY_NONCE) + u64(opening) + u64(amounts[1]) + u64(amounts[0])
        return Instruction(PROGRAM_ID, data, metas(*accounts))

    def _set_fees(self, rng: Random) -> Instruction:
        """The least distance of orders, the fee of orders, the protocol's share of profits, the fee of swaps."""
        denominator = rng.choice((10_000, 10_000, 1_000_000))
        swap = rng.randint(0, rng.choice((denominator // 100, denominator - 1)))
        fees = ((5, 10_000), (25, 10_000), (rng.randint(0, 100), 100), (swap, denominator))
        return self._set_params(_FEES, b"".join(u64(numerator) + u64(of) for numerator, of in fees))

    def _set_params(self, param: int, value: bytes) -> Instruction:
        market = self._market
        accounts: list[Marked] = [
            TOKEN_PROGRAM_ID,
            (self._pool, "w"),
            AUTHORITY,
            (open_orders_address(market.market), "w"),
            (self._targets, "w"),
            *((vault, "w") for vault in self._vaults),
            OPENBOOK_ID,
            (market.market, "w"),
            (market.coin_vault, "w"),
            (market.pc_vault, "w"),
            market.vault_signer,
            (market.events, "w"),
            (market.bids, "w"),
            (market.asks, "w"),
            (ADMIN, "s"),
        ]
        return Instruction(PROGRAM_ID, u8(_SET_PARAMS) + u8(param) + value, metas(*accounts))

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("deposit", "deposit", "withdraw", "status", "fees"))
        if kind == "deposit":
            self._stage.run(self._deposit(rng))
        elif kind == "withdraw":
            self._stage.run(self._withdraw(rng))
        elif kind == "fees":
            self._stage.run(self._set_fees(rng), payer=ADMIN)
        else:
            status = rng.choice((6, 6, 7, 4))
            self._stage.run(self._set_params(_STATUS, u64(status)), payer=ADMIN)

    def _deposit(self, rng: Random) -> Instruction:
        most = [max(1, int(self._stage.amount(vault) * rng.choice((0.001, 0.5)))) for vault in self._vaults]
        accounts: list[Marked] = [
            TOKEN_PROGRAM_ID,
            (self._pool, "w"),
            AUTHORITY,
            open_orders_address(self._market.market),
            (self._targets, "w"),
            (self._lp_mint, "w"),
            *((vault, "w") for vault in self._vaults),
            self._market.market,
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (self._lp_account, "w"),
            (self._user, "s"),
            self._market.events,
        ]
        side = rng.randint(0, 1)
        limits = u64(most[0]) + u64(2**62) if side == 0 else u64(2**62) + u64(most[1])
        return Instruction(PROGRAM_ID, u8(_DEPOSIT) + limits + u64(side), metas(*accounts))

    def _withdraw(self, rng: Random) -> Instruction:
        market = self._market
        accounts: list[Marked] = [
            TOKEN_PROGRAM_ID,
            (self._pool, "w"),
            AUTHORITY,
            (open_orders_address(market.market), "w"),
            (self._targets, "w"),
            (self._lp_mint, "w"),
            *((vault, "w") for vault in self._vaults),
            OPENBOOK_ID,
            (market.market, "w"),
            (market.coin_vault, "w"),
            (market.pc_vault, "w"),
            market.vault_signer,
            (self._lp_account, "w"),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (self._user, "s"),
            (market.events, "w"),
            (market.bids, "w"),
            (market.asks, "w"),
        ]
        shares = rng.randint(1, max(1, self._stage.amount(self._lp_account)))
        return Instruction(PROGRAM_ID, u8(_WITHDRAW) + u64(shares), metas(*accounts))
