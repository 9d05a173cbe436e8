"""DAMM v1 pools over vaults of their own: MeteoraAg/cpi-examples@3326f57, idls/{dynamic_amm,dynamic_vault}.json (accounts and
arguments), MeteoraAg/damm-v1-sdk@02c66a3, common/src (seeds).

Written as bytes: a vault's profit, which only lending by an operator makes.
"""

from __future__ import annotations

from random import Random
from typing import Final

from solders.account import Account
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.meteora.damm_v1.addresses import PROGRAM_ID, VAULT_PROGRAM_ID
from dexroute.types.mints import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint
from tests.differential.making.anchor import RENT_SYSVAR, SYSTEM_PROGRAM, Marked, derived, instruction, metas, u8, u32, u64
from tests.differential.making.pools import Made, Wish, magnitude
from tests.differential.making.stage import Stage

METAPLEX_ID: Final = Pubkey.from_string("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s")
VAULT_BASE: Final = Pubkey.from_string("HWzXGcGHy4tcpYfaRDCyLNzXqBTv3E6BttpCH2vJxArv")
USDC: Final = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
_DEFAULT_FEE_BPS: Final = {0: 25, 1: 1}
_TOTAL, _LOCKED, _REPORTED, _DEGRADATION = 11, 1_203, 1_211, 1_219


class _Vault:
    """The accounts of a mint's vault."""

    def __init__(self, mint: Mint, user: Pubkey) -> None:
        self.mint = mint
        self.address = derived(VAULT_PROGRAM_ID, b"vault", mint.address, VAULT_BASE)
        self.cash = derived(VAULT_PROGRAM_ID, b"token_vault", self.address)
        self.lp_mint = derived(VAULT_PROGRAM_ID, b"lp_mint", self.address)
        self.user_lp = _associated(user, self.lp_mint)


class DammV1Maker:
    """Constant-product and stable pools by fee tier, and customizable ones, in vaults others have deposited in."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._user = stage.user.pubkey()
        stage.add_program(METAPLEX_ID, "metaplex_sdk.so")

    def make(self, rng: Random, wish: Wish | None = None) -> Made:
        stage = self._stage
        mints = list(wish.mints if wish else stage.draw_mints(rng, token_2022=False))
        rng.shuffle(mints)
        kind = rng.choice(("product", "product", "stable", "custom"))
        if wish is not None:
            # A stable pool opens at one to one, a custom one is of USDC.
            even = len(set(wish.amounts.values())) == 1 and mints[0].decimals == mints[1].decimals
            kind = rng.choice(("product", "stable") if even else ("product",))
        if kind == "custom":
            mints[1] = stage.make_mint(USDC)
        self._mints = mints
        self._vaults = [_Vault(mint, self._user) for mint in mints]
        for vault in self._vaults:
            if stage.svm.get_account(vault.address) is None:
                self._open_vault(vault)
            if rng.random() < 0.7:
                stage.run(self._vault_change(vault, "deposit", magnitude(rng, 52, 4)))
        amounts = [wish.amounts[mint] if wish else magnitude(rng, 52, 12) for mint in mints]
        if kind == "custom":
            self._open_custom(rng, amounts)
        else:
            self._open_by_fee_tier(rng, amounts, stable=kind == "stable")
        for _ in range(rng.randint(0, 2)):
            self._earn(rng)
        stage.later(1 if wish else rng.choice((0, 1, 1, 1, 30)))
        depths = dict(zip((mint.address for mint in mints), amounts, strict=True))
        return Made(address=self._pool, depths=depths)

    def _open_vault(self, vault: _Vault) -> None:
        accounts: list[Marked] = [
            (vault.address, "w"),
            (self._user, "ws"),
            (vault.cash, "w"),
            vault.mint.address,
            (vault.lp_mint, "w"),
            RENT_SYSVAR,
            TOKEN_PROGRAM_ID,
            SYSTEM_PROGRAM,
        ]
        lp_account: list[Marked] = [(self._user, "ws"), (vault.user_lp, "w"), self._user, vault.lp_mint]
        self._stage.run(
            instruction(VAULT_PROGRAM_ID, "initialize", b"", *accounts),
            Instruction(ASSOCIATED_TOKEN_PROGRAM_ID, b"\x01", metas(*lp_account, SYSTEM_PROGRAM, TOKEN_PROGRAM_ID)),
        )

    def _vault_change(self, vault: _Vault, name: str, amount: int) -> Instruction:
        accounts: list[Marked] = [
            (vault.address, "w"),
            (vault.cash, "w"),
            (vault.lp_mint, "w"),
            (self._stage.tokens[vault.mint.address], "w"),
            (vault.user_lp, "w"),
            (self._user, "s"),
            TOKEN_PROGRAM_ID,
        ]
        return instruction(VAULT_PROGRAM_ID, name, u64(amount) + u64(0), *accounts)

    def _open_by_fee_tier(self, rng: Random, amounts: list[int], *, stable: bool) -> None:
        curve = b"\0"
        fee_bps = rng.choice((25, 25, 100, 400, 5 * rng.randint(5, 300)))
        if stable:
            fee_bps = rng.choice((1, 4, 10, 100))
            highest = max(mint.decimals for mint in self._mints)
            multipliers = [10 ** (highest - mint.decimals) for mint in self._mints]
            # A stable pool opens at one to one.
            common = min(min(amounts), 2**50 // max(multipliers))
            amounts[:] = [max(1, common) * (max(multipliers) // multiplier) for multiplier in multipliers]
            curve = u8(1) + u64(100) + u64(multipliers[0]) + u64(multipliers[1]) + u8(highest) + u64(0) * 2 + u8(0) + u64(0)
        seeds: list[bytes] = [curve[:1], *self._larger_first()]
        if fee_bps != _DEFAULT_FEE_BPS[curve[0]]:
            seeds.append(u64(fee_bps))
        self._pool = derived(PROGRAM_ID, *seeds)
        arguments = curve + u64(fee_bps) + u64(amounts[0]) + u64(amounts[1])
        lp_mint = derived(PROGRAM_ID, b"lp_mint", self._pool)
        accounts = [(self._pool, "w"), (lp_mint, "w"), *self._accounts_to_open(lp_mint, self._user)]
        self._stage.run(instruction(PROGRAM_ID, "initialize_permissionless_pool_with_fee_tier", arguments, *accounts))

    def _open_custom(self, rng: Random, amounts: list[int]) -> None:
        self._pool = derived(PROGRAM_ID, b"pool", *self._larger_first())
        slots = rng.random() < 0.5
        now = self._stage.clock.slot if slots else self._stage.clock.unix_timestamp
        point = rng.choice((None, now + 1, now + 20))
        arguments = u64(amounts[0]) + u64(amounts[1]) + u32(50 * rng.choice((5, 20, rng.randint(5, 300))))
        arguments += (u8(0) if point is None else u8(1) + u64(point)) + u8(0) + u8(0 if slots else 1) + bytes(90)
        lp_mint = derived(PROGRAM_ID, b"lp_mint", self._pool)
        accounts = [(self._pool, "w"), (lp_mint, "w"), *self._accounts_to_open(lp_mint, None)]
        name = "initialize_customizable_permissionless_constant_product_pool"
        self._stage.run(instruction(PROGRAM_ID, name, arguments, *accounts))

    def _larger_first(self) -> list[bytes]:
        return sorted((bytes(mint.address) for mint in self._mints), reverse=True)

    def _accounts_to_open(self, lp_mint: Pubkey, fee_owner: Pubkey | None) -> list[Marked]:
        """What both ways to open a pool take behind the pool and its share mint."""
        return [
            *(mint.address for mint in self._mints),
            *((vault.address, "w") for vault in self._vaults),
            *((vault.cash, "w") for vault in self._vaults),
            *((vault.lp_mint, "w") for vault in self._vaults),
            *((derived(PROGRAM_ID, vault.address, self._pool), "w") for vault in self._vaults),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (_associated(self._user, lp_mint), "w"),
            *((derived(PROGRAM_ID, b"fee", mint.address, self._pool), "w") for mint in self._mints),
            (self._user, "ws"),
            *([] if fee_owner is None else [fee_owner]),
            RENT_SYSVAR,
            (derived(METAPLEX_ID, b"metadata", METAPLEX_ID, lp_mint), "w"),
            METAPLEX_ID,
            VAULT_PROGRAM_ID,
            TOKEN_PROGRAM_ID,
            ASSOCIATED_TOKEN_PROGRAM_ID,
            SYSTEM_PROGRAM,
        ]

    def disturb(self, rng: Random) -> None:
        kind = rng.choice(("deposit", "withdraw", "earn", "add", "add", "remove"))
        vault = rng.choice(self._vaults)
        if kind == "deposit":
            self._stage.run(self._vault_change(vault, "deposit", magnitude(rng, 50)))
        elif kind == "withdraw":
            shares = rng.randint(1, max(1, self._stage.amount(vault.user_lp)))
            self._stage.run(self._vault_change(vault, "withdraw", shares))
        elif kind == "earn":
            self._earn(rng)
        else:
            self._stage.run(self._liquidity_change(rng, adding=kind == "add"))

    def _earn(self, rng: Random) -> None:
        """A vault's strategies report a profit, locked for a while."""
        stage, vault = self._stage, rng.choice(self._vaults)
        account = stage.svm.get_account(vault.address)
        cash = stage.svm.get_account(vault.cash)
        assert account is not None
        assert cash is not None
        content, held = bytearray(account.data), bytearray(cash.data)
        total = int.from_bytes(content[_TOTAL : _TOTAL + 8], "little")
        profit = rng.randint(0, max(1, total // rng.choice((2, 50, 10_000))))
        for place, value in (
            (_TOTAL, total + profit),
            (_LOCKED, profit),
            (_REPORTED, stage.clock.unix_timestamp),
            (_DEGRADATION, rng.choice((10**12 // 21_600, rng.randint(1, 10**10)))),
        ):
            content[place : place + 8] = u64(value)
        held[64:72] = u64(int.from_bytes(held[64:72], "little") + profit)
        stage.svm.set_account(vault.address, Account(account.lamports, bytes(content), account.owner))
        stage.svm.set_account(vault.cash, Account(cash.lamports, bytes(held), cash.owner))

    def _liquidity_change(self, rng: Random, *, adding: bool) -> Instruction:
        lp_mint = derived(PROGRAM_ID, b"lp_mint", self._pool)
        user_lp = _associated(self._user, lp_mint)
        shares = max(1, int(self._stage.amount(user_lp) * rng.choice((0.001, 0.4))))
        limits = u64(2**63) * 2 if adding else u64(0) * 2
        return instruction(
            PROGRAM_ID,
            "add_balance_liquidity" if adding else "remove_balance_liquidity",
            u64(shares) + limits,
            (self._pool, "w"),
            (lp_mint, "w"),
            (user_lp, "w"),
            *((derived(PROGRAM_ID, vault.address, self._pool), "w") for vault in self._vaults),
            *((vault.address, "w") for vault in self._vaults),
            *((vault.lp_mint, "w") for vault in self._vaults),
            *((vault.cash, "w") for vault in self._vaults),
            *((self._stage.tokens[mint.address], "w") for mint in self._mints),
            (self._user, "s"),
            VAULT_PROGRAM_ID,
            TOKEN_PROGRAM_ID,
        )


def _associated(owner: Pubkey, mint: Pubkey) -> Pubkey:
    return derived(ASSOCIATED_TOKEN_PROGRAM_ID, owner, TOKEN_PROGRAM_ID, mint)
