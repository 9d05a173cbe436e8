"""A cluster for program tests: LiteSVM with the pool program, a clock one can set, and tokens made by the real token programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.account import Account
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from dexroute.fetchers.pool.events import PoolEvent, decode_events
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.fetchers.pool.program import program_bytes
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee
from tests.programs.samples import NOW

_MINT_LENGTH = 82
_FEE_MINT_LENGTH = 166 + 4 + 108
_ACCOUNT_LENGTH = 165
_FEE_ACCOUNT_LENGTH = 166 + 4 + 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one transaction did: its custom error code if it failed with one, its error in words, logs and compute units."""

    ok: bool
    code: int | None
    error: str
    logs: tuple[str, ...]
    units: int
    program_id: Pubkey = DEFAULT_PROGRAM_ID

    @property
    def events(self) -> tuple[PoolEvent, ...]:
        return decode_events(self.logs, program_id=self.program_id)


class World:
    """One LiteSVM. `payer` pays for everything and is the authority of every mint."""

    def __init__(self, program_id: Pubkey = DEFAULT_PROGRAM_ID) -> None:
        self.program_id = program_id
        self.svm = LiteSVM().with_sigverify(True).with_transaction_history(0)
        self.svm.add_program(program_id, program_bytes())
        self.payer = self.new_wallet()
        self.set_time(NOW)

    @property
    def clock(self) -> ChainClock:
        clock = self.svm.get_clock()
        return ChainClock(slot=clock.slot, epoch=clock.epoch, unix_timestamp=clock.unix_timestamp)

    def set_time(self, unix_timestamp: int, epoch: int | None = None) -> None:
        clock = self.svm.get_clock()
        clock.unix_timestamp = unix_timestamp
        if epoch is not None:
            clock.epoch = epoch
        self.svm.set_clock(clock)

    def advance(self, seconds: int) -> None:
        self.set_time(self.clock.unix_timestamp + seconds)

    def new_wallet(self) -> Keypair:
        wallet = Keypair()
        self.svm.airdrop(wallet.pubkey(), 10**13)
        return wallet

    def send(self, *instructions: Instruction, signers: Sequence[Keypair] = ()) -> Outcome:
        """Run one transaction paid by `payer` and signed by those of `signers` that it names as signers."""
        self.svm.expire_blockhash()
        message = MessageV0.try_compile(self.payer.pubkey(), list(instructions), [], self.svm.latest_blockhash())
        required = set(message.account_keys[: message.header.num_required_signatures])
        keys = {key.pubkey(): key for key in (self.payer, *signers) if key.pubkey() in required}
        result = self.svm.send_transaction(VersionedTransaction(message, list(keys.values())))
        meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        error = result.err() if isinstance(result, FailedTransactionMetadata) else None
        return Outcome(
            ok=error is None,
            code=getattr(getattr(error, "err", None), "code", None),
            error="" if error is None else str(error),
            logs=tuple(meta.logs()),
            units=meta.compute_units_consumed(),
            program_id=self.program_id,
        )

    def must(self, *instructions: Instruction, signers: Sequence[Keypair] = ()) -> Outcome:
        """Run a transaction the test takes for granted."""
        outcome = self.send(*instructions, signers=signers)
        assert outcome.ok, (outcome.error, outcome.logs)
        return outcome

    def new_account(self, owner: Pubkey, length: int, key: Keypair | None = None) -> Keypair:
        """A rent-exempt account of zeros, owned by a program."""
        account = Keypair() if key is None else key
        lamports = self.svm.minimum_balance_for_rent_exemption(length)
        created = create_account(
            CreateAccountParams(
                from_pubkey=self.payer.pubkey(), to_pubkey=account.pubkey(), lamports=lamports, space=length, owner=owner
            )
        )
        self.must(created, signers=[account])
        return account

    def new_mint(
        self, *, fee: TransferFee | None = None, token_2022: bool = False, decimals: int = 6, key: Keypair | None = None
    ) -> Mint:
        """A mint made by its token program; `fee` makes it a Token-2022 mint that withholds it."""
        program = TOKEN_2022_PROGRAM_ID if token_2022 or fee is not None else TOKEN_PROGRAM_ID
        account = self.new_account(program, _MINT_LENGTH if fee is None else _FEE_MINT_LENGTH, key).pubkey()
        authority = bytes(self.payer.pubkey())
        steps = [Instruction(program, bytes([20, decimals]) + authority + b"\0", [AccountMeta(account, False, True)])]
        if fee is not None:
            rates = fee.bps.to_bytes(2, "little") + fee.maximum.to_bytes(8, "little")
            config = bytes([26, 0, 1]) + authority + b"\x01" + authority + rates
            steps.insert(0, Instruction(program, config, [AccountMeta(account, False, True)]))
        self.must(*steps)
        return Mint(address=account, decimals=decimals, token_program=program, transfer_fee=fee)

    def set_transfer_fee(self, mint: Mint, fee: TransferFee) -> None:
        """A new fee, which Token-2022 puts in force two epochs from now."""
        payload = bytes([26, 5]) + fee.bps.to_bytes(2, "little") + fee.maximum.to_bytes(8, "little")
        metas = [AccountMeta(mint.address, False, True), AccountMeta(self.payer.pubkey(), True, False)]
        self.must(Instruction(mint.token_program, payload, metas))

    def new_token_account(self, mint: Mint, owner: Pubkey, amount: int = 0) -> Pubkey:
        """A token account at a fresh address, holding `amount` newly minted base units."""
        length = _ACCOUNT_LENGTH if mint.transfer_fee is None else _FEE_ACCOUNT_LENGTH
        account = self.new_account(mint.token_program, length).pubkey()
        metas = [AccountMeta(account, False, True), AccountMeta(mint.address, False, False)]
        self.must(Instruction(mint.token_program, bytes([18]) + bytes(owner), metas))
        if amount:
            self.mint_to(mint, account, amount)
        return account

    def mint_to(self, mint: Mint, account: Pubkey, amount: int) -> None:
        payload = bytes([7]) + amount.to_bytes(8, "little")
        metas = [
            AccountMeta(mint.address, False, True),
            AccountMeta(account, False, True),
            AccountMeta(self.payer.pubkey(), True, False),
        ]
        self.must(Instruction(mint.token_program, payload, metas))

    def balance(self, token_account: Pubkey) -> int:
        """Base units in a token account; 0 where there is none."""
        account = self.svm.get_account(token_account)
        return 0 if account is None or len(account.data) < 72 else int.from_bytes(bytes(account.data)[64:72], "little")

    def account(self, address: Pubkey) -> AccountData | None:
        found = self.svm.get_account(address)
        return None if found is None else AccountData(owner=found.owner, lamports=found.lamports, data=bytes(found.data))

    def put(self, address: Pubkey, account: AccountData) -> None:
        """Write an account as no program would."""
        self.svm.set_account(
            address,
            Account(lamports=account.lamports, data=account.data, owner=account.owner, executable=False, rent_epoch=2**64 - 1),
        )

    def snapshot(self, addresses: Sequence[Pubkey]) -> AccountSnapshot:
        return AccountSnapshot(clock=self.clock, accounts={address: self.account(address) for address in addresses})
