"""Errors of SPL Token, Token-2022 and the associated token account program.

Source: solana-program/token-2022@426400f, interface/src/error.rs; its first twenty are those of SPL Token.
"""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, Row, error_table

_FUND: Final = "fund the account or swap less; when the paying account is the pool's, ask for less or use another pool"
_CONFIDENTIAL: Final = "use an account without confidential transfers"
_GUARD: Final = "switch the account's CPI guard off, or use another account"
_SPL: Final[tuple[Row, ...]] = (
    (0, "NotRentExempt", PERMANENT, "A token account holds too few lamports to exist", "fund the account"),
    (1, "InsufficientFunds", REQUOTE, "The paying token account (the wallet's or a vault) holds less than the transfer", _FUND),
    (2, "InvalidMint", REBUILD, "A mint given is none, or not of this token program"),
    (3, "MintMismatch", REBUILD, "A token account is of another mint"),
    (4, "OwnerMismatch", REBUILD, "The signer does not own the token account"),
    (5, "FixedSupply", PERMANENT, "The mint makes no further tokens"),
    (6, "AlreadyInUse", PERMANENT, "The account is in use already"),
    (7, "InvalidNumberOfProvidedSigners", PERMANENT, "The wrong number of signers"),
    (8, "InvalidNumberOfRequiredSigners", PERMANENT, "A multisig cannot ask for this many signers"),
    (9, "UninitializedState", REBUILD, "A token account does not exist yet"),
    (10, "NativeNotSupported", PERMANENT, "Wrapped SOL cannot do this"),
    (11, "NonNativeHasBalance", PERMANENT, "A token account with a balance cannot be closed", "move the balance first"),
    (12, "InvalidInstruction", REBUILD, "The token program does not know this instruction"),
    (13, "InvalidState", PERMANENT, "The account's state does not allow this"),
    (14, "Overflow", PERMANENT, "A balance would not fit 64 bits"),
    (15, "AuthorityTypeNotSupported", PERMANENT, "The account has no such authority"),
    (16, "MintCannotFreeze", PERMANENT, "The mint has no freeze authority"),
    (17, "AccountFrozen", EXCLUDE_POOL, "A token account (the wallet's or the pool's) is frozen by the mint's authority"),
    (18, "MintDecimalsMismatch", REBUILD, "The decimals in the instruction are not the mint's"),
    (19, "NonNativeNotSupported", PERMANENT, "Only wrapped SOL can do this"),
)
_EXTENSIONS: Final[tuple[Row, ...]] = (
    (20, "ExtensionTypeMismatch", PERMANENT, "The extension does not go with those the account has"),
    (21, "ExtensionBaseMismatch", PERMANENT, "The extension is for the other kind of account"),
    (22, "ExtensionAlreadyInitialized", PERMANENT, "The account has the extension already"),
    (23, "ConfidentialTransferAccountHasBalance", PERMANENT, "The account has a confidential balance", _CONFIDENTIAL),
    (24, "ConfidentialTransferAccountNotApproved", PERMANENT, "The account is not approved for them", _CONFIDENTIAL),
    (25, "ConfidentialTransferDepositsAndTransfersDisabled", PERMANENT, "The account takes no transfers", _CONFIDENTIAL),
    (26, "ConfidentialTransferElGamalPubkeyMismatch", PERMANENT, "The encryption key is another one", _CONFIDENTIAL),
    (27, "ConfidentialTransferBalanceMismatch", PERMANENT, "The confidential balance is another one", _CONFIDENTIAL),
    (28, "MintHasSupply", PERMANENT, "A mint with a supply cannot be closed"),
    (29, "NoAuthorityExists", PERMANENT, "Nobody may do this any more"),
    (30, "TransferFeeExceedsMaximum", PERMANENT, "A transfer fee above 10000 basis points"),
    (31, "MintRequiredForTransfer", REBUILD, "The transfer has to name the mint"),
    (32, "FeeMismatch", REQUOTE, "The transfer fee is not the one expected: it has just changed"),
    (33, "FeeParametersMismatch", PERMANENT, "The fee in a confidential transfer's proof is not the mint's", _CONFIDENTIAL),
    (34, "ImmutableOwner", PERMANENT, "The account's owner cannot change"),
    (35, "AccountHasWithheldTransferFees", PERMANENT, "The account holds withheld fees", "harvest them to the mint first"),
    (36, "NoMemo", REBUILD, "The receiving account wants a memo with every transfer", "use a receiving account without that wish"),
    (37, "NonTransferable", EXCLUDE_POOL, "The mint's tokens cannot be transferred"),
    (38, "NonTransferableNeedsImmutableOwnership", PERMANENT, "Tokens that cannot move go to accounts with a fixed owner only"),
    (39, "MaximumPendingBalanceCreditCounterExceeded", PERMANENT, "The account must apply what it received first", _CONFIDENTIAL),
    (40, "MaximumDepositAmountExceeded", PERMANENT, "A confidential deposit above its limit", _CONFIDENTIAL),
    (41, "CpiGuardSettingsLocked", PERMANENT, "A program may not change the CPI guard", _GUARD),
    (42, "CpiGuardTransferBlocked", PERMANENT, "The account's CPI guard forbids programs to move its tokens", _GUARD),
    (43, "CpiGuardBurnBlocked", PERMANENT, "The account's CPI guard forbids programs to burn its tokens", _GUARD),
    (44, "CpiGuardCloseAccountBlocked", PERMANENT, "The account's CPI guard forbids programs to close it", _GUARD),
    (45, "CpiGuardApproveBlocked", PERMANENT, "The account's CPI guard forbids programs to name a delegate", _GUARD),
    (46, "CpiGuardSetAuthorityBlocked", PERMANENT, "The account's CPI guard forbids programs to change an authority", _GUARD),
    (47, "CpiGuardOwnerChangeBlocked", PERMANENT, "The account's CPI guard fixes its owner", _GUARD),
    (48, "ExtensionNotFound", REBUILD, "The account lacks an extension the instruction needs"),
    (49, "NonConfidentialTransfersDisabled", PERMANENT, "The account takes confidential transfers only", _CONFIDENTIAL),
    (50, "ConfidentialTransferFeeAccountHasWithheldFee", PERMANENT, "The account holds confidential fees", _CONFIDENTIAL),
    (51, "InvalidExtensionCombination", PERMANENT, "These extensions do not go together"),
    (52, "InvalidLengthForAlloc", PERMANENT, "An extension cannot be overwritten by one of another length"),
    (53, "AccountDecryption", PERMANENT, "A confidential account cannot be decrypted", _CONFIDENTIAL),
    (54, "ProofGeneration", PERMANENT, "A proof could not be made", _CONFIDENTIAL),
    (55, "InvalidProofInstructionOffset", PERMANENT, "The proof's instruction is not where it was said to be", _CONFIDENTIAL),
    (56, "HarvestToMintDisabled", PERMANENT, "Withheld fees cannot be harvested to this mint"),
    (57, "SplitProofContextStateAccountsNotSupported", PERMANENT, "The proof cannot be split for this", _CONFIDENTIAL),
    (58, "NotEnoughProofContextStateAccounts", PERMANENT, "Too few accounts with proofs", _CONFIDENTIAL),
    (59, "MalformedCiphertext", PERMANENT, "An encrypted amount is malformed", _CONFIDENTIAL),
    (60, "CiphertextArithmeticFailed", PERMANENT, "Encrypted amounts cannot be added", _CONFIDENTIAL),
    (61, "PedersenCommitmentMismatch", PERMANENT, "A commitment is not the one expected", _CONFIDENTIAL),
    (62, "RangeProofLengthMismatch", PERMANENT, "A range proof has the wrong length", _CONFIDENTIAL),
    (63, "IllegalBitLength", PERMANENT, "A transfer amount has too many bits", _CONFIDENTIAL),
    (64, "FeeCalculation", PERMANENT, "A fee could not be computed", _CONFIDENTIAL),
    (65, "IllegalMintBurnConversion", PERMANENT, "A mint of confidential supply knows no deposits", _CONFIDENTIAL),
    (66, "InvalidScale", PERMANENT, "A display factor that is no number above zero"),
    (67, "MintPaused", EXCLUDE_POOL, "The mint's authority has paused all transfers"),
    (68, "PendingBalanceNonZero", PERMANENT, "A pending balance forbids to change the key", _CONFIDENTIAL),
)
_ASSOCIATED: Final[tuple[Row, ...]] = (
    (0, "InvalidOwner", REBUILD, "The associated token account belongs to another owner than its address says"),
)

ERRORS: Final = (
    *error_table("spl-token", ("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",), _SPL),
    *error_table("token-2022", ("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",), (*_SPL, *_EXTENSIONS)),
    *error_table("associated-token-account", ("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",), _ASSOCIATED),
)
