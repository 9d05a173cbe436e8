"""A recorded state in a LiteSVM, with the venue's real program and a user to swap.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from solders.account import Account
from solders.clock import Clock
from solders.compute_budget import set_compute_unit_limit
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from dexroute.fetchers import VENUES, decode_pool
from dexroute.fetchers.base import Pool, SwapQuote, SwapRequest, limit_slack, quoted_units
from dexroute.fetchers.meteora.damm_v1.addresses import VAULT_PROGRAM_ID
from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import NATIVE_MINT, Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState

# Names and digests as ../shared/protocols lists them; another build would prove something else.
PROGRAMS: Final = {
    "raydium-amm-v4": ("raydium_amm_v4.so", "d3f6906a8e2847865f95b0c156b06d05db07778dd1d6c24044bae0b9ac1bb93c"),
    "raydium-clmm": ("raydium_clmm_2026_04.so", "e7c743d885e55ef880493144974638088b6bc8a33f05c2fa063914c39f7c505f"),
    "raydium-cpmm": ("raydium_cpmm_2026_04.so", "af0a49f61578e94f91a968a6dacb6d22b4392c6bc07c363e76e9c97b8bad27e2"),
    "meteora-damm-v1": ("damm_v1_cpi.so", "219158bc443794d5572ff117ed6bce7ae2c60e166c5ef8ae6e29000a7c8d414e"),
    "meteora-damm-v2": ("cp_amm.so", "171e53bbc797459dde7f62d7b57943b0b596087e9364e25f4c3127e9893cb1b1"),
    "meteora-dlmm": ("lb_clmm_prod.so", "942f609d03440911f15c40e8df1733d808670768fd9042af1de956964fb2f0e6"),
}
NATIVE_HELD: Final = 10**18
RENT: Final = 2_039_280

# What a venue's program calls besides the token programs.
CALLED: Final = {
    "meteora-damm-v1": ((VAULT_PROGRAM_ID, "vault_cpi.so", "e0d332c073c1472a0f9a2e637b7f976ad6d43322d8840ced7ae36d9f92693122"),),
}


class ProgramAbsent(Exception):
    """The real program is not at hand; the message says what is missing."""


def real_program(venue: str) -> Path:
    """The file of the venue's program, its digest checked. Raises ProgramAbsent."""
    return checked_file(venue, *PROGRAMS[venue])


def checked_file(venue: str, name: str, digest: str) -> Path:
    """A program of the folder, its digest checked. Raises ProgramAbsent."""
    folder = os.environ.get("DEXROUTE_REAL_PROGRAMS")
    if not folder:
        raise ProgramAbsent(f"DEXROUTE_REAL_PROGRAMS names no folder, so {name} cannot be executed")
    path = Path(folder) / name
    if not path.exists():
        raise ProgramAbsent(f"{path} is missing, so {venue} cannot be executed")
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ProgramAbsent(f"{path} is another build than the recordings are of, so it would prove something else")
    return path


class SvmWorld:
    """The venue's real program in a LiteSVM, a user with token accounts, and the pool they swap in."""

    pool: Pool
    tokens: dict[Pubkey, Pubkey]
    clock: ChainClock

    def __init__(self, venue: str, program: Path, svm: LiteSVM | None = None) -> None:
        self.user = Keypair()
        self.svm = svm or LiteSVM().with_transaction_history(0)
        self.svm.add_program_from_file(VENUES[venue].program_id, program)
        for called, name, digest in CALLED.get(venue, ()):
            self.svm.add_program_from_file(called, checked_file(venue, name, digest))
        self.svm.airdrop(self.user.pubkey(), 10**12)

    def addresses(self) -> Iterable[Pubkey]:
        """The accounts the pool is decoded from."""
        raise NotImplementedError

    def set_clock(self, clock: ChainClock) -> None:
        self.clock = clock
        self.svm.set_clock(Clock(clock.slot, clock.unix_timestamp, clock.epoch, clock.epoch, clock.unix_timestamp))

    def swap(self, pool: Pool, quote: QuoteRequest, limit: int) -> TransactionMetadata | FailedTransactionMetadata:
        request = SwapRequest(
            quote=quote,
            limit=limit,
            user=self.user.pubkey(),
            source=self.tokens[quote.input_mint],
            destination=self.tokens[quote.output_mint],
        )
        self.svm.expire_blockhash()
        instructions = [set_compute_unit_limit(1_400_000), pool.swap_instruction(request)]
        message = MessageV0.try_compile(self.user.pubkey(), instructions, [], self.svm.latest_blockhash())
        return self.svm.send_transaction(VersionedTransaction(message, [self.user]))

    def balance(self, mint: Pubkey) -> int:
        account = self.svm.get_account(self.tokens[mint])
        assert account is not None
        return int.from_bytes(account.data[64:72], "little")

    def snapshot(self) -> AccountSnapshot:
        return AccountSnapshot(clock=self.clock, accounts={address: self.account(address) for address in self.addresses()})

    def account(self, address: Pubkey) -> AccountData | None:
        account = self.svm.get_account(address)
        if account is None:
            return None
        return AccountData(owner=account.owner, lamports=account.lamports, data=account.data)

    def decoded(self) -> Pool:
        return decode_pool(self.pool.address, self.snapshot())

    def assert_executes(self, pool: Pool, request: QuoteRequest, quote: SwapQuote) -> None:
        exact_in = request.mode is SwapMode.EXACT_IN
        before = self.balance(request.input_mint), self.balance(request.output_mint)
        result = self.swap(pool, request, max(quote.amount_out - limit_slack(pool), 0) if exact_in else quote.amount_in)
        assert isinstance(result, TransactionMetadata), (str(self), request, result)
        if (told := quoted_units(quote)) is not None:
            taken = result.compute_units_consumed()
            assert taken <= told <= 2 * taken + 20_000, (str(self), request, taken, told)
        after = self.balance(request.input_mint), self.balance(request.output_mint)
        assert (before[0] - after[0], after[1] - before[1]) == (quote.amount_in, quote.amount_out), (str(self), request)
        assert self.decoded() == quote.next_pool, (str(self), request)

    def affords(self, request: QuoteRequest, quote: SwapQuote) -> bool:
        """Whether the user holds the input, their account of the output can hold what arrives, and the executed build rounds as
        mainnet's does."""
        if rounded_otherwise(self.pool, request, quote):
            return False
        arriving = quote.amount_out + self.balance(request.output_mint)
        return quote.amount_in <= self.balance(request.input_mint) and arriving <= U64_MAX


class World(SvmWorld):
    """One recorded state in a LiteSVM of its own, with a user who holds what the vaults do not."""

    def __init__(self, state: RecordedState, program: Path) -> None:
        super().__init__(state.venue, program)
        self.state = state
        self.set_clock(state.snapshot.clock)
        self.pool = decode_pool(state.pool, state.snapshot)
        self.tokens = {mint.address: Pubkey.new_unique() for mint in self.pool.mints}
        self.restore()

    def __str__(self) -> str:
        return str(self.state)

    def addresses(self) -> Iterable[Pubkey]:
        return self.state.snapshot.accounts

    def restore(self) -> None:
        """Puts every account back to the recorded state, and gives the user half of what a token can be."""
        for address, account in self.state.snapshot.accounts.items():
            if account is not None:
                self.svm.set_account(address, Account(account.lamports, account.data, account.owner))
        for mint in self.pool.mints:
            amount = NATIVE_HELD if mint.address == NATIVE_MINT else U64_MAX // 2
            content = token_account(mint, self.user.pubkey(), amount)
            # Wrapped SOL is lamports: they move with the tokens.
            lamports = RENT + NATIVE_HELD if mint.address == NATIVE_MINT else 10**9
            self.svm.set_account(self.tokens[mint.address], Account(lamports, content, mint.token_program))


def rounded_otherwise(pool: Pool, request: QuoteRequest, quote: SwapQuote) -> bool:
    """Whether the AMM v4 at hand (mid 2025) may differ from mainnet's: its ceiling of what is below one is not always one."""
    if not isinstance(pool, AmmV4Pool):
        return False
    if request.mode is SwapMode.EXACT_IN:
        return input_rounded_otherwise(pool, request)
    return quote.amount_in - sum(fee.amount for fee in quote.fees) <= 1


def input_rounded_otherwise(pool: Pool, request: QuoteRequest) -> bool:
    """Whether that AMM v4 takes no fee of an exact input of which mainnet's takes one base unit."""
    if not isinstance(pool, AmmV4Pool) or request.mode is not SwapMode.EXACT_IN:
        return False
    return 2 * request.amount * pool.fee_numerator < pool.fee_denominator


def token_account(mint: Mint, owner: Pubkey, amount: int) -> bytes:
    """An initialized token account, with the transfer-fee extension that Token-2022 mints with fees demand."""
    native = (1).to_bytes(4, "little") + RENT.to_bytes(8, "little") if mint.address == NATIVE_MINT else bytes(12)
    plain = bytes(mint.address) + bytes(owner) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + native + bytes(44)
    if mint.transfer_fee is None:
        return plain
    return plain + b"\x02" + (2).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(8)
