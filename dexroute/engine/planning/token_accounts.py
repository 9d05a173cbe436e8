"""A wallet's token accounts: where they are, how large they are, and the instructions that open and close them.

Sources: solana-program/associated-token-account, program/src/instruction.rs (CreateIdempotent is tag 1);
solana-program/token, interface/src/instruction.rs (CloseAccount tag 9, InitializeAccount3 tag 18);
solana-program/token-2022, interface/src/extension/mod.rs (an account holds its type byte, then type-length-value entries).
"""

from __future__ import annotations

from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.system_program import CreateAccountWithSeedParams, create_account_with_seed

from dexroute.errors import GuardRefused, InsufficientFunds
from dexroute.fetchers.layout import Reader
from dexroute.fetchers.tokens import TOKEN_ACCOUNT_LENGTH
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData
from dexroute.types.mints import (
    ASSOCIATED_TOKEN_PROGRAM_ID,
    NATIVE_MINT,
    TOKEN_2022_PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    Mint,
)

_CREATE_IDEMPOTENT: Final = bytes([1])
_CLOSE_ACCOUNT: Final = bytes([9])
_INITIALIZE_ACCOUNT_3: Final = bytes([18])
_IMMUTABLE_OWNER_LENGTH: Final = 4  # type and length, no body
_TRANSFER_FEE_AMOUNT_LENGTH: Final = 4 + 8
_STATE_INITIALIZED: Final = 1


def associated_token_address(owner: Pubkey, mint: Mint) -> Pubkey:
    """The wallet's one derived account for a mint, under the mint's own token program."""
    seeds = [bytes(owner), bytes(mint.token_program), bytes(mint.address)]
    return Pubkey.find_program_address(seeds, ASSOCIATED_TOKEN_PROGRAM_ID)[0]


def associated_account_length(mint: Mint) -> int:
    """Bytes the associated-token program allocates, which its rent depends on. Of the mint extensions this package accepts
    only the transfer fee adds to the account; every Token-2022 associated account is also marked with an immutable owner."""
    if mint.token_program != TOKEN_2022_PROGRAM_ID:
        return TOKEN_ACCOUNT_LENGTH
    length = TOKEN_ACCOUNT_LENGTH + 1 + _IMMUTABLE_OWNER_LENGTH
    return length + (_TRANSFER_FEE_AMOUNT_LENGTH if mint.transfer_fee is not None else 0)


def owned_balance(account: AccountData, address: Pubkey, *, mint: Mint, owner: Pubkey) -> int:
    """The balance of an existing token account, base units.

    Raises GuardRefused when it is not a usable account of `mint` that `owner` controls: an associated account can have been
    handed to another owner or frozen, and a swap into it would lose the output or fail.
    """
    reader = Reader(account.data)
    fault = None
    if account.owner != mint.token_program or len(account.data) < TOKEN_ACCOUNT_LENGTH:
        fault = f"is no token account of {mint.token_program}"
    elif reader.pubkey(0) != mint.address:
        fault = f"holds another mint, {reader.pubkey(0)}"
    elif reader.pubkey(32) != owner:
        fault = f"belongs to {reader.pubkey(32)}"
    elif reader.u8(108) != _STATE_INITIALIZED:
        fault = "is frozen or not initialized"
    if fault is not None:
        raise GuardRefused(
            f"token account {address} of {owner} for mint {mint.address} {fault}; nothing was sent. Use another wallet",
            account=str(address),
            mint=str(mint.address),
            wallet=str(owner),
        )
    return reader.u64(64)


def create_associated_account(payer: Pubkey, mint: Mint) -> Instruction:
    """Opens the payer's associated account unless it exists."""
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(associated_token_address(payer, mint), is_signer=False, is_writable=True),
        AccountMeta(payer, is_signer=False, is_writable=False),
        AccountMeta(mint.address, is_signer=False, is_writable=False),
        AccountMeta(SYSTEM_PROGRAM_ID, is_signer=False, is_writable=False),
        AccountMeta(mint.token_program, is_signer=False, is_writable=False),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM_ID, _CREATE_IDEMPOTENT, accounts)


def temporary_sol_address(owner: Pubkey, seed: str) -> Pubkey:
    """Where `open_temporary_sol` puts its account."""
    return Pubkey.create_with_seed(owner, seed, TOKEN_PROGRAM_ID)


def open_temporary_sol(owner: Pubkey, seed: str, lamports: int) -> tuple[Instruction, Instruction]:
    """A wrapped-SOL account of this transaction only, holding `lamports` less its rent as token balance. Raises InsufficientFunds
    when that is more than any wallet can hold."""
    if lamports > U64_MAX:
        raise InsufficientFunds(
            f"{owner} would have to wrap {lamports} lamports, rent included, and no account holds more than {U64_MAX}; swap less",
            wallet=str(owner),
            mint=str(NATIVE_MINT),
            need=str(lamports),
        )
    address = temporary_sol_address(owner, seed)
    create = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=owner,
            to_pubkey=address,
            base=owner,
            seed=seed,
            lamports=lamports,
            space=TOKEN_ACCOUNT_LENGTH,
            owner=TOKEN_PROGRAM_ID,
        )
    )
    initialize = Instruction(
        TOKEN_PROGRAM_ID,
        _INITIALIZE_ACCOUNT_3 + bytes(owner),
        [
            AccountMeta(address, is_signer=False, is_writable=True),
            AccountMeta(NATIVE_MINT, is_signer=False, is_writable=False),
        ],
    )
    return create, initialize


def close_to_owner(address: Pubkey, owner: Pubkey) -> Instruction:
    """Closes an SPL Token account; all its lamports go to the owner."""
    accounts = [
        AccountMeta(address, is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=False, is_writable=True),
        AccountMeta(owner, is_signer=True, is_writable=False),
    ]
    return Instruction(TOKEN_PROGRAM_ID, _CLOSE_ACCOUNT, accounts)
