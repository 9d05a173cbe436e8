"""Error codes of Raydium CPMM. Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/error.rs."""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, Row, error_table

_ROWS: Final[tuple[Row, ...]] = (
    (6000, "NotApproved", EXCLUDE_POOL, "Swaps are switched off, the pool is not open yet, or the signer lacks a permission"),
    (6001, "InvalidOwner", REBUILD, "An account is not owned by whom the program expects"),
    (6002, "EmptySupply", PERMANENT, "The pool has no liquidity shares"),
    (6003, "InvalidInput", PERMANENT, "An argument is not one the instruction takes"),
    (6004, "IncorrectLpMint", REBUILD, "The liquidity mint given is not the pool's"),
    (6005, "ExceededSlippage", REQUOTE, "The swap would not meet its limit: the price moved since the quote"),
    (6006, "ZeroTradingTokens", EXCLUDE_POOL, "The swap or its fees come to nothing, as when the pool's fee rates are all zero"),
    (6007, "NotSupportMint", PERMANENT, "A mint carries a Token-2022 extension this program does not accept"),
    (6008, "InvalidVault", REBUILD, "A vault given is not the pool's vault of that mint"),
    (6009, "InitLpAmountTooLess", PERMANENT, "The first deposit is too small: 100 shares stay locked"),
    (6010, "TransferFeeCalculateNotMatch", REQUOTE, "A mint's transfer fee is not what the program computed: it has just changed"),
    (6011, "MathOverflow", REQUOTE, "An amount overflows the program's integers", "ask for a smaller amount, or use another pool"),
    (6012, "InsufficientVault", EXCLUDE_POOL, "The pool owes more fees than a vault holds"),
    (6013, "InvalidFeeModel", EXCLUDE_POOL, "The pool's creator fee mode is not one the program knows"),
    (6014, "NoFeeCollect", PERMANENT, "There are no fees to collect"),
)

ERRORS: Final = error_table("raydium-cpmm", ("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",), _ROWS)
