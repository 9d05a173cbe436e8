"""Errors of the system program. Source: solana-program/system, interface/src/error.rs."""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import PERMANENT, REBUILD, TRANSIENT, Row, error_table

_FUND: Final = "fund the wallet with SOL, or swap less"
_ROWS: Final[tuple[Row, ...]] = (
    (0, "AccountAlreadyInUse", PERMANENT, "The account to be created exists already"),
    (1, "ResultWithNegativeLamports", PERMANENT, "The wallet holds less SOL than the transfer or the new account's rent", _FUND),
    (2, "InvalidProgramId", PERMANENT, "An account cannot be given to this program"),
    (3, "InvalidAccountDataLength", PERMANENT, "An account cannot have this length"),
    (4, "MaxSeedLengthExceeded", PERMANENT, "A seed is longer than 32 bytes"),
    (5, "AddressWithSeedMismatch", REBUILD, "The address is not the one derived from its seed"),
    (6, "NonceNoRecentBlockhashes", TRANSIENT, "The cluster has no recent blockhash for a nonce"),
    (7, "NonceBlockhashNotExpired", TRANSIENT, "The nonce has been used in this slot"),
    (8, "NonceUnexpectedBlockhashValue", REBUILD, "The nonce is another one now"),
)

ERRORS: Final = error_table("system", ("11111111111111111111111111111111",), _ROWS)
