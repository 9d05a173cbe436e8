"""A venue's real program with signature checks off, where pools can be made: mints, instructions, and reading what was made."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

from solders.account import Account
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import Instruction
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from dexroute.errors import LiquidityNotLoaded
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool, SwapQuote, Venue
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee
from dexroute.types.requests import QuoteRequest
from tests.differential.world import NATIVE_HELD, RENT, SvmWorld, checked_file, real_program, token_account

START: Final = ChainClock(slot=300_000_000, epoch=700, unix_timestamp=1_770_000_000)
# Programs that only making pools takes, with their digests as ../shared/protocols lists them.
_MAKING: Final = {
    "metaplex_sdk.so": "5317d2209950836825b274f337dce6b9e027a5e8d122b3f89b64aa621caeacef",
}
_HELD: Final = U64_MAX // 4


class MakingRefused(Exception):
    """The program refused to make what was drawn; the message is its log."""


class Stage(SvmWorld):
    """`pool` is the pool entered last. The user holds a quarter of what a token can be, of every mint made."""

    def __init__(self, venue: str, svm: LiteSVM | None = None) -> None:
        """`svm`: the cluster of other stages too, signature checks off; one of its own by default."""
        super().__init__(venue, real_program(venue), svm or LiteSVM().with_transaction_history(0).with_sigverify(False))
        self.venue: Venue = VENUES[venue]
        self.tokens = {}
        self.set_clock(START)
        self._known: set[Pubkey] = set()
        self.fund(self.user.pubkey())

    def __str__(self) -> str:
        return f"{self.venue.id} pool {self.pool!r}"

    def add_program(self, program_id: Pubkey, name: str) -> None:
        """A program that making pools takes beside the venue's own. Raises ProgramAbsent."""
        self.svm.add_program_from_file(program_id, checked_file(self.venue.id, name, _MAKING[name]))

    def decoded(self) -> Pool:
        return self.venue.decode_pool(self.pool.address, self.snapshot())

    def addresses(self) -> Iterable[Pubkey]:
        return self._known

    def fund(self, address: Pubkey) -> None:
        self.svm.set_account(address, Account(10**18, b"", Pubkey.default()))

    def later(self, seconds: int) -> None:
        slot = self.clock.slot + max(1, seconds * 5 // 2)
        self.set_clock(ChainClock(slot=slot, epoch=self.clock.epoch, unix_timestamp=self.clock.unix_timestamp + seconds))

    def make_mint(self, at: Pubkey, *, fee: TransferFee | None = None, token_2022: bool = False, decimals: int = 6) -> Mint:
        """A mint of a supply of everything, and the user's account of it. A fee makes it a Token-2022 mint."""
        program = TOKEN_2022_PROGRAM_ID if token_2022 or fee else TOKEN_PROGRAM_ID
        mint = Mint(address=at, decimals=decimals, token_program=program, transfer_fee=fee)
        self.svm.set_account(mint.address, Account(10**9, _mint_bytes(mint), program))
        self.hold(mint)
        return mint

    def hold(self, mint: Mint) -> None:
        """The user's account of a mint that exists."""
        self.tokens[mint.address] = Pubkey.new_unique()
        held, lamports = (NATIVE_HELD, RENT + NATIVE_HELD) if mint.address == NATIVE_MINT else (_HELD, 10**9)
        content = token_account(mint, self.user.pubkey(), held)
        self.svm.set_account(self.tokens[mint.address], Account(lamports, content, mint.token_program))

    def draw_mints(self, rng: Random, *, token_2022: bool) -> tuple[Mint, Mint]:
        """Two mints in the order of their bytes; where `token_2022`, some of that program and some with transfer fees."""
        first, second = sorted((self._draw_mint(rng, token_2022) for _ in range(2)), key=lambda mint: bytes(mint.address))
        return first, second

    def _draw_mint(self, rng: Random, token_2022: bool) -> Mint:
        at, decimals = Pubkey(rng.randbytes(32)), rng.choice((0, 6, 6, 9))
        if not token_2022 or rng.random() < 0.6:
            return self.make_mint(at, decimals=decimals)
        if rng.random() < 0.2:
            return self.make_mint(at, token_2022=True, decimals=decimals)
        most = rng.choice((0, rng.randint(0, 10**6), U64_MAX, U64_MAX))
        bps = rng.choice((0, 1, 100, rng.randint(0, 10_000), rng.randint(0, 1_000), 10_000))
        return self.make_mint(at, fee=TransferFee(epoch=rng.choice((0, 1, 700)), bps=bps, maximum=most), decimals=decimals)

    def amount(self, token_account: Pubkey) -> int:
        held = self.svm.get_account(token_account)
        return int.from_bytes(held.data[64:72], "little") if held else 0

    def run(self, *instructions: Instruction, payer: Pubkey | None = None) -> None:
        """One transaction in anybody's name. Raises MakingRefused."""
        self.svm.expire_blockhash()
        payer = payer or self.user.pubkey()
        message = MessageV0.try_compile(payer, [set_compute_unit_limit(1_400_000), *instructions], [], self.svm.latest_blockhash())
        signatures = [Signature.new_unique() for _ in range(message.header.num_required_signatures)]
        result = self.svm.send_transaction(VersionedTransaction.populate(message, signatures))
        if isinstance(result, FailedTransactionMetadata):
            raise MakingRefused("\n".join([str(result.err()), *result.meta().logs()]))

    def enter(self, address: Pubkey) -> Pool:
        """Reads the pool at `address` with everything its decoding asks for."""
        accounts: dict[Pubkey, AccountData | None] = {}
        while missing := self.venue.required_accounts(address, AccountSnapshot(clock=self.clock, accounts=accounts)):
            accounts.update({asked: self.account(asked) for asked in missing})
        self._known = set(accounts)
        self.pool = self.venue.decode_pool(address, AccountSnapshot(clock=self.clock, accounts=accounts))
        return self.pool

    def quote(self, request: QuoteRequest) -> SwapQuote:
        """The quote, reading on where it runs out of loaded liquidity. Raises QuoteError."""
        while True:
            try:
                return self.pool.quote(request)
            except LiquidityNotLoaded as error:
                missing = {Pubkey.from_string(address) for address in error.context.get("missing", ())} - self._known
                if not missing:
                    raise
                self._known |= missing
                self.pool = self.decoded()


def _mint_bytes(mint: Mint) -> bytes:
    plain = bytes(36) + U64_MAX.to_bytes(8, "little") + bytes([mint.decimals, 1]) + bytes(36)
    if mint.transfer_fee is None:
        return plain
    fee = mint.transfer_fee
    older = fee.epoch.to_bytes(8, "little") + fee.maximum.to_bytes(8, "little") + fee.bps.to_bytes(2, "little")
    body = bytes(72) + older + older
    return plain + bytes(165 - len(plain)) + b"\x01" + (1).to_bytes(2, "little") + len(body).to_bytes(2, "little") + body
