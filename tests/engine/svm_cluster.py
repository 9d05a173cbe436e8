"""A LiteSVM as a cluster behind the ports: real token programs and our real pool program, no RPC between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solders.account import Account
from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError

from dexroute.engine.planning.token_accounts import associated_token_address, create_associated_account
from dexroute.fetchers import VenueRegistry
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID, PoolAccounts, pool_accounts
from dexroute.fetchers.pool.program import program_bytes
from dexroute.fetchers.pool.seeding import deposit, open_pool
from dexroute.fetchers.pool.venue import DexroutePools
from dexroute.types.accounts import AccountData
from dexroute.types.chain import (
    AccountFilter,
    AccountsAtSlot,
    BlockhashLifetime,
    Commitment,
    HistoryEntry,
    LandedTransaction,
    SignatureStatus,
    Simulation,
    TransactionError,
)
from dexroute.types.mints import NATIVE_MINT, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee

REGISTRY = VenueRegistry([DexroutePools()])
SOL = Mint(address=NATIVE_MINT, decimals=9, token_program=TOKEN_PROGRAM_ID)
TERMS = FeeTerms(
    base_fee_ppm=2_500,
    protocol_share_ppm=200_000,
    dynamic_fee_ppm=0,
    max_volatility_bps=0,
    filter_period_s=0,
    decay_period_s=0,
)


class SvmCluster:
    """AccountReader and TransactionSender over one LiteSVM."""

    def __init__(self, *, with_pool_program: bool = True, priority_fees: tuple[int, ...] = ()) -> None:
        self.svm = LiteSVM().with_sigverify(False)
        self.priority_fees = priority_fees
        self.simulated: list[bytes] = []
        self.executed: list[int] = []  # instructions of each, those that programs call included
        self.svm.warp_to_slot(100)
        self.svm.set_clock(Clock(slot=100, epoch_start_timestamp=0, epoch=0, leader_schedule_epoch=1, unix_timestamp=1_700_000_000))
        self._put_mint(SOL)
        if with_pool_program:
            self.svm.add_program(DEFAULT_PROGRAM_ID, program_bytes())
        self.maker = self.rich_wallet()

    # --- the world ---

    def rich_wallet(self, lamports: int = 10**12) -> Keypair:
        wallet = Keypair()
        self.svm.airdrop(wallet.pubkey(), lamports)
        return wallet

    def new_mint(self, fee: TransferFee | None = None, program: Pubkey = TOKEN_PROGRAM_ID) -> Mint:
        program = TOKEN_2022_PROGRAM_ID if fee else program
        minted = Mint(address=Pubkey.new_unique(), decimals=6, token_program=program, transfer_fee=fee)
        self._put_mint(minted)
        return minted

    def fund(self, owner: Keypair, mint: Mint, amount: int) -> Pubkey:
        """Sets the owner's associated account of `mint` to `amount` base units, opening it."""
        self.run([create_associated_account(owner.pubkey(), mint)], owner)
        address = associated_token_address(owner.pubkey(), mint)
        account = self.account(address)
        assert account is not None
        data = account.data[:64] + amount.to_bytes(8, "little") + account.data[72:]
        extra = amount - int.from_bytes(account.data[64:72], "little") if mint == SOL else 0
        self.svm.set_account(address, Account(account.lamports + extra, data, account.owner))
        return address

    def pool(self, amounts: Mapping[Mint, int], index: int = 0) -> Pubkey:
        """Opens a pool of two mints holding these amounts."""
        first, second = sorted(amounts, key=lambda mint: bytes(mint.address))
        accounts: PoolAccounts = pool_accounts(first, second, index=index)
        lp_mint = accounts.lp_token
        holdings = {mint.address: self.fund(self.maker, mint, amount) for mint, amount in amounts.items()}
        holdings[accounts.lp_mint] = associated_token_address(self.maker.pubkey(), lp_mint)
        user = self.maker.pubkey()
        self.run([open_pool(accounts, TERMS, payer=user, admin=user, index=index)], self.maker)
        into = deposit(accounts, {mint.address: amount for mint, amount in amounts.items()}, user=user, holdings=holdings)
        self.run([create_associated_account(user, lp_mint), into], self.maker)
        return accounts.pool

    def table(
        self, addresses: Sequence[Pubkey], *, deactivated_at: int = 2**64 - 1, extended_at: int = 1, start: int = 0
    ) -> Pubkey:
        """A lookup table holding these addresses."""
        address = Pubkey.new_unique()
        data = table_bytes(addresses, deactivated_at=deactivated_at, extended_at=extended_at, start=start)
        self.svm.set_account(
            address, Account(self.svm.minimum_balance_for_rent_exemption(len(data)), data, LOOKUP_TABLE_PROGRAM_ID)
        )
        return address

    def run(self, instructions: Sequence[Instruction], payer: Keypair) -> None:
        message = MessageV0.try_compile(payer.pubkey(), list(instructions), [], self.svm.latest_blockhash())
        outcome = self.svm.send_transaction(VersionedTransaction(message, [payer]))
        assert not isinstance(outcome, FailedTransactionMetadata), outcome
        self.svm.expire_blockhash()

    def land(self, message: MessageV0, signer: Keypair) -> None:
        outcome = self.svm.send_transaction(VersionedTransaction(message, [signer]))
        assert not isinstance(outcome, FailedTransactionMetadata), outcome
        self.svm.expire_blockhash()

    def account(self, address: Pubkey) -> AccountData | None:
        found = self.svm.get_account(address)
        if found is None or (found.lamports == 0 and not found.data):
            return None
        return AccountData(owner=found.owner, lamports=found.lamports, data=bytes(found.data))

    def lamports(self, wallet: Keypair) -> int:
        return self.svm.get_balance(wallet.pubkey()) or 0

    def balance(self, owner: Keypair, mint: Mint) -> int | None:
        account = self.account(associated_token_address(owner.pubkey(), mint))
        return int.from_bytes(account.data[64:72], "little") if account else None

    def _put_mint(self, mint: Mint) -> None:
        data = bytes(36) + (10**18).to_bytes(8, "little") + bytes([mint.decimals, 1]) + bytes(36)
        if mint.transfer_fee is not None:
            fee = mint.transfer_fee
            record = fee.epoch.to_bytes(8, "little") + fee.maximum.to_bytes(8, "little") + fee.bps.to_bytes(2, "little")
            data = data.ljust(165, b"\0") + bytes([1]) + bytes([1, 0, 108, 0]) + bytes(72) + record * 2
        rent = self.svm.minimum_balance_for_rent_exemption(len(data))
        self.svm.set_account(mint.address, Account(rent, data, mint.token_program))

    # --- AccountReader ---

    async def get_accounts(
        self, addresses: Sequence[Pubkey], *, min_context_slot: int | None = None, commitment: Commitment = Commitment.CONFIRMED
    ) -> AccountsAtSlot:
        assert len(addresses) <= 100
        slot = self.svm.get_clock().slot
        return AccountsAtSlot(slot=slot, accounts={address: self.account(address) for address in addresses})

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        raise NotImplementedError

    # --- TransactionSender ---

    async def genesis_hash(self) -> Hash:
        raise NotImplementedError

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        return BlockhashLifetime(blockhash=self.svm.latest_blockhash(), last_valid_block_height=250, slot=100)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        raise NotImplementedError

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        raise NotImplementedError

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        self.simulated.append(wire)
        outcome = self.svm.simulate_transaction(VersionedTransaction.from_bytes(wire))
        if isinstance(outcome, FailedTransactionMetadata):
            return Simulation(
                slot=100,
                error=_error(outcome),
                logs=tuple(outcome.meta().logs()),
                units_consumed=outcome.meta().compute_units_consumed(),
                post_accounts={},
            )
        self.executed.append(sum(1 + len(called) for called in outcome.meta().inner_instructions()))
        after = dict(outcome.post_accounts())
        post: dict[Pubkey, AccountData | None] = {}
        for address in accounts:
            found = after.get(address)
            post[address] = (
                AccountData(owner=found.owner, lamports=found.lamports, data=bytes(found.data)) if found else self.account(address)
            )
        meta = outcome.meta()
        return Simulation(
            slot=100, error=None, logs=tuple(meta.logs()), units_consumed=meta.compute_units_consumed(), post_accounts=post
        )

    async def send(self, wire: bytes) -> None:
        raise NotImplementedError

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        raise NotImplementedError

    async def first_available_slot(self) -> int:
        raise NotImplementedError

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        raise NotImplementedError

    async def signatures_of(self, address: Pubkey) -> tuple[HistoryEntry, ...]:
        raise NotImplementedError

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        raise NotImplementedError

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        assert writable
        return self.priority_fees

    async def rent_exemption(self, data_length: int) -> int:
        return self.svm.minimum_balance_for_rent_exemption(data_length)


def table_bytes(
    addresses: Sequence[Pubkey],
    *,
    deactivated_at: int = 2**64 - 1,
    extended_at: int = 1,
    start: int = 0,
    authority: Pubkey = Pubkey(bytes([7]) * 32),  # noqa: B008  # an immutable value
) -> bytes:
    """An initialized table, of an authority nobody holds by default."""
    head = (1).to_bytes(4, "little") + deactivated_at.to_bytes(8, "little") + extended_at.to_bytes(8, "little")
    return head + bytes([start, 1]) + bytes(authority) + bytes(2) + b"".join(map(bytes, addresses))


def _error(failed: FailedTransactionMetadata) -> TransactionError:
    error = failed.err()
    if isinstance(error, TransactionErrorInstructionError):
        if isinstance(error.err, InstructionErrorCustom):
            code = error.err.code
            return TransactionError(
                raw={"InstructionError": [error.index, {"Custom": code}]}, instruction_index=error.index, custom_code=code
            )
        return TransactionError(raw={"InstructionError": [error.index, str(error.err)]}, instruction_index=error.index)
    return TransactionError(raw=str(error).rsplit(".", 1)[-1])
