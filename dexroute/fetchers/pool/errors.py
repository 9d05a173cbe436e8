"""What the pool program's custom error codes mean and what to do about them (programs/pool/README.md, section Errors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramError:
    """`name` as in the IDL, `meaning` and `next_step` as sentences without a full stop."""

    code: int
    name: str
    meaning: str
    next_step: str


_REBUILD: Final = "build the instruction with dexroute.fetchers.pool.instructions, which fills in every account"
_SIGN: Final = "sign the transaction with the key the instruction names as signer"
_WAIT: Final = "use another pool, or wait until the admin switches it on again"
_ASK_LESS: Final = "ask for a smaller amount"

_TEXTS: Final[dict[ErrorCode, tuple[str, str]]] = {
    ErrorCode.InvalidInstruction: ("Unknown instruction, or its data has the wrong length or value", _REBUILD),
    ErrorCode.InvalidAccountOwner: ("An account is owned by the wrong program", _REBUILD),
    ErrorCode.InvalidPool: (
        "The pool account is not this program's pool, or not at its address",
        "check the pool address and the cluster",
    ),
    ErrorCode.InvalidVault: ("A vault is not this pool's vault of this mint", _REBUILD),
    ErrorCode.InvalidMint: ("A mint is not the pool's, or no mint at all", "check the two mints"),
    ErrorCode.InvalidTokenProgram: ("The token program given is not the one that owns the mint", _REBUILD),
    ErrorCode.InvalidAuthority: ("The signer is not the pool's admin", "sign with the admin's key; the pool account names it"),
    ErrorCode.InvalidOracle: ("The oracle account is not this pool's", _REBUILD),
    ErrorCode.InvalidLpMint: ("The LP mint is not this pool's", _REBUILD),
    ErrorCode.UnsupportedMint: (
        "The mint carries an extension with which a swap could not be kept",
        "use a mint without hooks, delegates, pauses or confidential transfers",
    ),
    ErrorCode.InvalidFee: (
        "A fee setting is above its limit, or the periods do not fit together",
        "see the limits in programs/pool/README.md; the decay period must be longer than the filter period",
    ),
    ErrorCode.PoolAlreadyInitialized: (
        "A pool of these mints with this index exists",
        "add liquidity to it, or take another index",
    ),
    ErrorCode.SwapsDisabled: ("Swaps are switched off", _WAIT),
    ErrorCode.AddingDisabled: ("Adding liquidity is switched off", _WAIT),
    ErrorCode.RemovingDisabled: ("Removing liquidity is switched off", "wait until the admin switches it on again"),
    ErrorCode.AmountTooSmall: ("Nothing would move, arrive or be minted", "ask for a larger amount"),
    ErrorCode.InsufficientLiquidity: ("More than the pool holds", _ASK_LESS),
    ErrorCode.MathOverflow: ("An amount does not fit 64 bits", _ASK_LESS),
    ErrorCode.SlippageExceeded: ("The outcome is beyond the limit given", "quote again, or allow more slippage"),
    ErrorCode.MissingSignature: ("An account that must sign did not", _SIGN),
    ErrorCode.NotEnoughAccounts: ("The instruction lists too few accounts", _REBUILD),
    ErrorCode.AccountNotWritable: ("An account that changes was passed read-only", _REBUILD),
    ErrorCode.InvalidTokenAccount: (
        "A token account is of the wrong mint or kind, or the same twice",
        "pass the user's own token accounts of the two mints",
    ),
    ErrorCode.MintsOutOfOrder: (
        "mint_a must be below mint_b by bytes, and another",
        "swap the two mints; two different ones are needed",
    ),
    ErrorCode.TransferFeeMismatch: (
        "A vault received or paid another amount than computed",
        "quote again: the mint's fee has changed",
    ),
}

PROGRAM_ERRORS: Final[Mapping[int, ProgramError]] = MappingProxyType(
    {
        int(code): ProgramError(code=int(code), name=code.name, meaning=meaning, next_step=next_step)
        for code, (meaning, next_step) in _TEXTS.items()
    }
)
"""Every custom code the program answers with."""


def explain(code: int) -> str:
    """One line for people: name, meaning and next step; unknown codes say so."""
    error = PROGRAM_ERRORS.get(code)
    if error is None:
        return f"program error {code}, which this version of the pool program does not have"
    return f"{error.name} ({code}): {error.meaning}; {error.next_step}"
