"""Our instruction, executed by the venue's real program on a recorded state: the user's balances move by exactly the quote,
and the accounts left behind decode to exactly the quoted next pool.

The programs are not ours to ship: `DEXROUTE_REAL_PROGRAMS` names a folder of them, and without it these tests are skipped.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from solders.account import Account
from solders.clock import Clock
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES, decode_pool
from dexroute.fetchers.base import Pool, SwapQuote, SwapRequest
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.vectors import RecordedState, load_states

# Names and digests as ../shared/protocols lists them; another build would prove something else.
PROGRAMS: Final = {
    "raydium-cpmm": ("raydium_cpmm_2026_04.so", "af0a49f61578e94f91a968a6dacb6d22b4392c6bc07c363e76e9c97b8bad27e2"),
    "meteora-damm-v2": ("cp_amm.so", "171e53bbc797459dde7f62d7b57943b0b596087e9364e25f4c3127e9893cb1b1"),
}
SWAPS_PER_STATE = 10
STATES = [state for venue in PROGRAMS for state in load_states(venue)]


def real_program(venue: str) -> Path:
    name, digest = PROGRAMS[venue]
    folder = os.environ.get("DEXROUTE_REAL_PROGRAMS")
    if not folder:
        pytest.skip(f"DEXROUTE_REAL_PROGRAMS names no folder, so {name} cannot be executed")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{path} is missing, so {venue} cannot be executed")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{path} is another build than the recordings are of"
    return path


class World:
    """One recorded state in a LiteSVM of its own, with a user who holds what the vaults do not."""

    def __init__(self, state: RecordedState, program: Path) -> None:
        self.state = state
        self.user = Keypair()
        self.svm = LiteSVM()
        self.svm.add_program_from_file(VENUES[state.venue].program_id, program)
        clock = state.snapshot.clock
        self.svm.set_clock(Clock(clock.slot, clock.unix_timestamp, clock.epoch, clock.epoch, clock.unix_timestamp))
        self.svm.airdrop(self.user.pubkey(), 10**12)
        self.pool = decode_pool(state.pool, state.snapshot)
        self.tokens = {mint.address: Pubkey.new_unique() for mint in self.pool.mints}
        self.restore()

    def restore(self) -> None:
        """Puts every account back to the recorded state, and gives the user half of what a token can be."""
        for address, account in self.state.snapshot.accounts.items():
            if account is not None:
                self.svm.set_account(address, Account(account.lamports, account.data, account.owner))
        for mint in self.pool.mints:
            content = token_account(mint, self.user.pubkey(), U64_MAX // 2)
            self.svm.set_account(self.tokens[mint.address], Account(10**9, content, mint.token_program))

    def swap(self, pool: Pool, quote: QuoteRequest, limit: int) -> TransactionMetadata | FailedTransactionMetadata:
        request = SwapRequest(
            quote=quote,
            limit=limit,
            user=self.user.pubkey(),
            source=self.tokens[quote.input_mint],
            destination=self.tokens[quote.output_mint],
        )
        self.svm.expire_blockhash()
        message = MessageV0.try_compile(self.user.pubkey(), [pool.swap_instruction(request)], [], self.svm.latest_blockhash())
        return self.svm.send_transaction(VersionedTransaction(message, [self.user]))

    def balance(self, mint: Pubkey) -> int:
        account = self.svm.get_account(self.tokens[mint])
        assert account is not None
        return int.from_bytes(account.data[64:72], "little")

    def decoded(self) -> Pool:
        accounts: dict[Pubkey, AccountData | None] = {}
        for address in self.state.snapshot.accounts:
            account = self.svm.get_account(address)
            assert account is not None
            accounts[address] = AccountData(owner=account.owner, lamports=account.lamports, data=account.data)
        return decode_pool(self.state.pool, AccountSnapshot(clock=self.state.snapshot.clock, accounts=accounts))

    def assert_executes(self, pool: Pool, request: QuoteRequest, quote: SwapQuote) -> None:
        exact_in = request.mode is SwapMode.EXACT_IN
        before = self.balance(request.input_mint), self.balance(request.output_mint)
        result = self.swap(pool, request, quote.amount_out if exact_in else quote.amount_in)
        assert isinstance(result, TransactionMetadata), (str(self.state), request, result)
        after = self.balance(request.input_mint), self.balance(request.output_mint)
        assert (before[0] - after[0], after[1] - before[1]) == (quote.amount_in, quote.amount_out), (str(self.state), request)
        assert self.decoded() == quote.next_pool, (str(self.state), request)


def token_account(mint: Mint, owner: Pubkey, amount: int) -> bytes:
    """An initialized token account, with the transfer-fee extension that Token-2022 mints with fees demand."""
    plain = bytes(mint.address) + bytes(owner) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)
    if mint.token_program != TOKEN_2022_PROGRAM_ID:
        return plain
    return plain + b"\x02" + (2).to_bytes(2, "little") + (8).to_bytes(2, "little") + bytes(8)


def affordable(world: World, quote: SwapQuote, request: QuoteRequest) -> bool:
    return quote.amount_in <= world.balance(request.input_mint) and quote.amount_out + world.balance(request.output_mint) <= U64_MAX


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_program_does_what_the_quote_says(state: RecordedState) -> None:
    world = World(state, real_program(state.venue))
    succeeding = [swap.request for swap in state.swaps if swap.succeeded]
    executed = 0
    for request in succeeding[:: max(1, len(succeeding) // SWAPS_PER_STATE)]:
        world.restore()
        first = world.pool.quote(request)
        if not affordable(world, first, request):
            continue
        world.assert_executes(world.pool, request, first)
        executed += 1
        # A second swap in the same slot, back through the pool the first one left behind.
        back = QuoteRequest(input_mint=request.output_mint, output_mint=request.input_mint, amount=max(1, first.amount_out // 2))
        try:
            second = first.next_pool.quote(back)
        except QuoteError:
            continue
        if affordable(world, second, back):
            world.assert_executes(first.next_pool, back, second)
    assert executed >= 5 or not succeeding


@pytest.mark.parametrize("venue", PROGRAMS)
def test_the_limit_is_enforced_to_the_last_unit(venue: str) -> None:
    program = real_program(venue)
    codes = VENUES[venue].capabilities.slippage_error_codes
    refused = 0
    for state in load_states(venue):
        world = World(state, program)
        for mode in SwapMode:
            request = next((s.request for s in state.swaps[20:] if s.succeeded and s.request.mode is mode and s.amount_out), None)
            if request is None:
                continue
            quote = world.pool.quote(request)
            if not affordable(world, quote, request):
                continue
            limit = quote.amount_out + 1 if mode is SwapMode.EXACT_IN else quote.amount_in - 1
            result = world.swap(world.pool, request, limit)
            assert isinstance(result, FailedTransactionMetadata)
            assert any(f"Custom({code})" in str(result.err()) or str(code) in str(result.err()) for code in codes), result
            refused += 1
    assert refused >= 10


@pytest.mark.parametrize("venue", PROGRAMS)
def test_a_refused_quote_is_refused_by_the_program_with_the_same_code(venue: str) -> None:
    program = real_program(venue)
    refused = 0
    for state in load_states(venue):
        world = World(state, program)
        refusals = [swap for swap in state.swaps if not swap.succeeded and swap.request.amount]
        for swap in refusals[:4]:
            limit = 0 if swap.request.mode is SwapMode.EXACT_IN else U64_MAX
            result = world.swap(world.pool, swap.request, limit)
            assert isinstance(result, FailedTransactionMetadata)
            with pytest.raises(QuoteError) as caught:
                world.pool.quote(replace(swap.request))
            if caught.value.program_error is not None:
                assert str(caught.value.program_error) in str(result.err()), (str(state), swap, result)
            refused += 1
    assert refused >= 20
