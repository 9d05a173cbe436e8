"""What the pool program's custom error codes mean and what to do about them (programs/pool/README.md, section Errors)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, ErrorClass, ProgramError, error_table


class ErrorCode(IntEnum):
    """Custom program error codes, by the program's own names."""

    InvalidInstruction = 6000
    InvalidAccountOwner = 6001
    InvalidPool = 6002
    InvalidVault = 6003
    InvalidMint = 6004
    InvalidTokenProgram = 6005
    InvalidAuthority = 6006
    InvalidOracle = 6007
    InvalidLpMint = 6008
    UnsupportedMint = 6009
    InvalidFee = 6010
    PoolAlreadyInitialized = 6011
    SwapsDisabled = 6012
    AddingDisabled = 6013
    RemovingDisabled = 6014
    AmountTooSmall = 6015
    InsufficientLiquidity = 6016
    MathOverflow = 6017
    SlippageExceeded = 6018
    MissingSignature = 6019
    NotEnoughAccounts = 6020
    AccountNotWritable = 6021
    InvalidTokenAccount = 6022
    MintsOutOfOrder = 6023
    TransferFeeMismatch = 6024


_REBUILD: Final = "build the instruction with dexroute.fetchers.pool.instructions, which fills in every account"
_SIGN: Final = "sign the transaction with the key the instruction names as signer"
_WAIT: Final = "use another pool, or wait until the admin switches it on again"
_ASK_LESS: Final = "ask for a smaller amount"

_TEXTS: Final[Mapping[ErrorCode, tuple[ErrorClass, str, str]]] = {
    ErrorCode.InvalidInstruction: (REBUILD, "Unknown instruction, or its data has the wrong length or value", _REBUILD),
    ErrorCode.InvalidAccountOwner: (REBUILD, "An account is owned by the wrong program", _REBUILD),
    ErrorCode.InvalidPool: (
        REBUILD,
        "The pool account is not this program's pool, or not at its address",
        "check the pool address and the cluster",
    ),
    ErrorCode.InvalidVault: (REBUILD, "A vault is not this pool's vault of this mint", _REBUILD),
    ErrorCode.InvalidMint: (REBUILD, "A mint is not the pool's, or no mint at all", "check the two mints"),
    ErrorCode.InvalidTokenProgram: (REBUILD, "The token program given is not the one that owns the mint", _REBUILD),
    ErrorCode.InvalidAuthority: (
        PERMANENT,
        "The signer is not the pool's admin",
        "sign with the admin's key; the pool account names it",
    ),
    ErrorCode.InvalidOracle: (REBUILD, "The oracle account is not this pool's", _REBUILD),
    ErrorCode.InvalidLpMint: (REBUILD, "The LP mint is not this pool's", _REBUILD),
    ErrorCode.UnsupportedMint: (
        EXCLUDE_POOL,
        "The mint carries an extension with which a swap could not be kept",
        "use a mint without hooks, delegates, pauses or confidential transfers",
    ),
    ErrorCode.InvalidFee: (
        PERMANENT,
        "A fee setting is above its limit, or the periods do not fit together",
        "see the limits in programs/pool/README.md; the decay period must be longer than the filter period",
    ),
    ErrorCode.PoolAlreadyInitialized: (
        PERMANENT,
        "A pool of these mints with this index exists",
        "add liquidity to it, or take another index",
    ),
    ErrorCode.SwapsDisabled: (EXCLUDE_POOL, "Swaps are switched off", _WAIT),
    ErrorCode.AddingDisabled: (EXCLUDE_POOL, "Adding liquidity is switched off", _WAIT),
    ErrorCode.RemovingDisabled: (PERMANENT, "Removing liquidity is switched off", "wait until the admin switches it on again"),
    ErrorCode.AmountTooSmall: (REQUOTE, "Nothing would move, arrive or be minted", "ask for a larger amount"),
    ErrorCode.InsufficientLiquidity: (REQUOTE, "More than the pool holds", _ASK_LESS),
    ErrorCode.MathOverflow: (REQUOTE, "An amount does not fit 64 bits", _ASK_LESS),
    ErrorCode.SlippageExceeded: (REQUOTE, "The outcome is beyond the limit given", "quote again, or allow more slippage"),
    ErrorCode.MissingSignature: (REBUILD, "An account that must sign did not", _SIGN),
    ErrorCode.NotEnoughAccounts: (REBUILD, "The instruction lists too few accounts", _REBUILD),
    ErrorCode.AccountNotWritable: (REBUILD, "An account that changes was passed read-only", _REBUILD),
    ErrorCode.InvalidTokenAccount: (
        REBUILD,
        "A token account is of the wrong mint or kind, or the same twice",
        "pass the user's own token accounts of the two mints",
    ),
    ErrorCode.MintsOutOfOrder: (
        PERMANENT,
        "mint_a must be below mint_b by bytes, and another",
        "swap the two mints; two different ones are needed",
    ),
    ErrorCode.TransferFeeMismatch: (
        REQUOTE,
        "A vault received or paid another amount than computed",
        "quote again: the mint's fee has changed",
    ),
}

ERRORS: Final = error_table(
    "dexroute-pool",
    (str(DEFAULT_PROGRAM_ID),),
    [(int(code), code.name, class_, meaning, next_step) for code, (class_, meaning, next_step) in _TEXTS.items()],
)

PROGRAM_ERRORS: Final[Mapping[int, ProgramError]] = MappingProxyType(
    {int(code): error for code, error in zip(_TEXTS, ERRORS, strict=True)}
)
"""Every custom code the program answers with."""
