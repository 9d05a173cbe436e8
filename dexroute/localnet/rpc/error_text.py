"""Transaction errors in the words of the solana CLI (solana-transaction-error and solana-instruction-error: Display)."""

from __future__ import annotations

import re
from typing import Any, Final

_TRANSACTION: Final = {
    "AccountInUse": "Account in use",
    "AccountLoadedTwice": "Account loaded twice",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "InvalidAccountForFee": "This account may not be used to pay transaction fees",
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "SignatureFailure": "Transaction did not pass signature verification",
    "InvalidProgramForExecution": "This program may not be used for executing instructions",
    "SanitizeFailure": "Transaction failed to sanitize accounts offsets correctly",
    "TooManyAccountLocks": "Transaction locked too many accounts",
    "AddressLookupTableNotFound": "Transaction loads an address table account that doesn't exist",
    "InvalidAddressLookupTableOwner": "Transaction loads an address table account with an invalid owner",
    "InvalidAddressLookupTableData": "Transaction loads an address table account with invalid data",
    "InvalidAddressLookupTableIndex": "Transaction address table lookup uses an invalid index",
    "MaxLoadedAccountsDataSizeExceeded": "Transaction exceeded max loaded accounts data size cap",
}
_INSTRUCTION: Final = {
    "InvalidArgument": "invalid program argument",
    "InvalidInstructionData": "invalid instruction data",
    "InvalidAccountData": "invalid account data for instruction",
    "AccountDataTooSmall": "account data too small for instruction",
    "InsufficientFunds": "insufficient funds for instruction",
    "IncorrectProgramId": "incorrect program id for instruction",
    "MissingRequiredSignature": "missing required signature for instruction",
    "AccountAlreadyInitialized": "instruction requires an uninitialized account",
    "UninitializedAccount": "instruction requires an initialized account",
    "NotEnoughAccountKeys": "insufficient account keys for instruction",
    "ComputationalBudgetExceeded": "Computational budget exceeded",
    "PrivilegeEscalation": "Cross-program invocation with unauthorized signer or writable account",
    "ProgramFailedToComplete": "Program failed to complete",
    "InvalidSeeds": "Provided seeds do not result in a valid address",
    "InvalidAccountOwner": "Invalid account owner",
    "IllegalOwner": "Provided owner is not allowed",
    "InvalidRealloc": "Failed to reallocate account data",
    "ExternalAccountLamportSpend": "instruction spent from the balance of an account it does not own",
    "ReadonlyLamportChange": "instruction changed the balance of a read-only account",
    "ReadonlyDataModified": "instruction modified data of a read-only account",
    "ExternalAccountDataModified": "instruction modified data of an account it does not own",
    "UnbalancedInstruction": "sum of account balances before and after instruction do not match",
    "UnsupportedProgramId": "Unsupported program id",
    "CallDepth": "Cross-program invocation call depth too deep",
    "MissingAccount": "An account required by the instruction is missing",
    "ImmutableAccount": "Account is immutable",
    "IncorrectAuthority": "Incorrect authority provided",
    "ArithmeticOverflow": "Program arithmetic overflowed",
}


def transaction_error_text(error: Any) -> str:
    """One sentence for a transaction error in the cluster's JSON."""
    if isinstance(error, str):
        return _TRANSACTION.get(error, _spaced(error))
    name, body = next(iter(error.items()))
    if name == "InstructionError":
        index, cause = body
        return f"Error processing Instruction {index}: {_instruction_text(cause)}"
    if name == "InsufficientFundsForRent":
        return f"Transaction results in an account ({body['account_index']}) with insufficient funds for rent"
    if name == "DuplicateInstruction":
        return f"Transaction contains a duplicate instruction ({body}) that is not allowed"
    return _spaced(name)


def _instruction_text(cause: Any) -> str:
    if isinstance(cause, dict):
        name, body = next(iter(cause.items()))
        return f"custom program error: {body:#x}" if name == "Custom" else f"{_spaced(name)}: {body}"
    return _INSTRUCTION.get(cause, _spaced(cause))


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
