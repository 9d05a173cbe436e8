"""Error codes of Raydium CLMM in both numberings.

Source: raydium-io/raydium-clmm@03b44b7, programs/amm/src/error.rs, and the same file before commit f16c59a (21 April 2026), which
took out five unused codes and so moved all that follow. The name in the program's log is what tells them apart.
"""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, ErrorClass, Row, error_table

_SMALLER: Final = "ask for a smaller amount, or use another pool"
_READ_AGAIN: Final = "read the pool again: the price moved beyond the tick arrays the transaction lists"

# (code since April 2026, code until then, name, class, meaning[, next step])
_BOTH: Final[tuple[tuple[int | None, int | None, str, ErrorClass, str, str | None], ...]] = (
    (None, 6000, "LOK", EXCLUDE_POOL, "The pool is locked", None),
    (6000, 6001, "NotApproved", EXCLUDE_POOL, "Swaps are switched off in this pool, or the signer lacks a permission", None),
    (6001, 6002, "InvalidUpdateConfigFlag", PERMANENT, "No such setting of a fee configuration", None),
    (6002, 6003, "AccountLack", REBUILD, "The instruction lists too few accounts", None),
    (6003, 6004, "ClosePositionErr", PERMANENT, "The position still holds liquidity, fees or rewards", None),
    (None, 6005, "ZeroMintAmount", PERMANENT, "Nothing would be minted", None),
    (6004, 6006, "InvalidTickIndex", PERMANENT, "A tick is outside what the program can price", None),
    (6005, 6007, "TickInvalidOrder", PERMANENT, "A position's lower tick is not below its upper tick", None),
    (6006, 6008, "TickLowerOverflow", PERMANENT, "A tick is below -443636", None),
    (6007, 6009, "TickUpperOverflow", PERMANENT, "A tick is above 443636", None),
    (6008, 6010, "TickAndSpacingNotMatch", PERMANENT, "A tick is no multiple of the pool's tick spacing", None),
    (6009, 6011, "InvalidTickArray", REBUILD, "A tick array given is not the one the swap needs", _READ_AGAIN),
    (6010, 6012, "InvalidTickArrayBoundary", REBUILD, "A tick array starts where none can start", None),
    (6011, 6013, "SqrtPriceLimitOverflow", REQUOTE, "The price limit is on the wrong side of the price", None),
    (6012, 6014, "SqrtPriceX64", REQUOTE, "The price would leave what the program can price", _SMALLER),
    (6013, 6015, "LiquiditySubValueErr", EXCLUDE_POOL, "More liquidity would leave than is there", None),
    (6014, 6016, "LiquidityAddValueErr", EXCLUDE_POOL, "Liquidity overflows the program's integers", None),
    (None, 6017, "InvalidLiquidity", PERMANENT, "A position would get no liquidity", None),
    (6015, 6018, "ForbidBothZeroForSupplyLiquidity", PERMANENT, "Liquidity without tokens on either side", None),
    (6016, 6019, "LiquidityInsufficient", REQUOTE, "The pool's liquidity ends before the amount is filled", _SMALLER),
    (None, 6020, "TransactionTooOld", PERMANENT, "The transaction's own deadline has passed", None),
    (6017, 6021, "PriceSlippageCheck", REQUOTE, "The price moved beyond a position's limit", None),
    (6018, 6022, "TooLittleOutputReceived", REQUOTE, "The output is below the limit: the price moved since the quote", None),
    (6019, 6023, "TooMuchInputPaid", REQUOTE, "The input is above the limit: the price moved since the quote", None),
    (
        6020,
        6024,
        "ZeroAmountSpecified",
        PERMANENT,
        "A swap of nothing, or of less than its transfer fee",
        "ask for a larger amount",
    ),
    (6021, 6025, "InvalidInputPoolVault", REBUILD, "The vaults given are not the pool's in the swap's direction", None),
    (6022, 6026, "TooSmallInputOrOutputAmount", REQUOTE, "One side of the swap comes to nothing", "ask for a larger amount"),
    (6023, 6027, "NotEnoughTickArrayAccount", REBUILD, "The swap reaches a tick array that was not passed", _READ_AGAIN),
    (6024, 6028, "InvalidFirstTickArrayAccount", REBUILD, "The first tick array is not the one at the price", _READ_AGAIN),
    (6025, 6029, "InvalidRewardIndex", PERMANENT, "No such reward", None),
    (6026, 6030, "FullRewardInfo", PERMANENT, "The pool has three rewards already", None),
    (6027, 6031, "RewardTokenAlreadyInUse", PERMANENT, "The reward's mint is one of a running reward", None),
    (6028, 6032, "ExceptRewardMint", PERMANENT, "A reward must be in a mint of the pool, the last one excepted", None),
    (6029, 6033, "InvalidRewardInitParam", PERMANENT, "A reward's settings contradict each other", None),
    (None, 6034, "InvalidRewardDesiredAmount", PERMANENT, "More reward was asked for than is there", None),
    (6030, 6035, "InvalidRewardInputAccountNumber", REBUILD, "The accounts to collect rewards do not come in pairs", None),
    (6031, 6036, "InvalidRewardPeriod", PERMANENT, "A reward runs 7 to 90 days", None),
    (6032, 6037, "NotApproveUpdateRewardEmissions", PERMANENT, "Rewards change within 72 hours of the end of a cycle only", None),
    (6033, 6038, "UnInitializedRewardInfo", PERMANENT, "The reward was never set up", None),
    (6034, 6039, "NotSupportMint", PERMANENT, "A mint carries a Token-2022 extension this program does not accept", None),
    (6035, 6040, "MissingTickArrayBitmapExtensionAccount", REBUILD, "The tick bitmap's extension is needed", _READ_AGAIN),
    (6036, 6041, "InsufficientLiquidityForDirection", REQUOTE, "No liquidity is left in the swap's direction", _SMALLER),
    (6037, 6042, "MaxTokenOverflow", REQUOTE, "An amount does not fit 64 bits", _SMALLER),
    (6038, 6043, "CalculateOverflow", REQUOTE, "An amount overflows the program's integers", _SMALLER),
    (6039, 6044, "TransferFeeCalculateNotMatch", REQUOTE, "A mint's transfer fee is not what the program computed", None),
    (6040, 6045, "OrderAlreadyFilled", PERMANENT, "The limit order is filled", None),
    (6041, 6046, "InvalidOrderPhase", PERMANENT, "The limit order belongs to an earlier or later phase of its tick", None),
    (6042, 6047, "InvalidLimitOrderAmount", PERMANENT, "A limit order of nothing", None),
    (6043, 6048, "OrderPhaseSaturated", PERMANENT, "The tick takes no further limit orders", None),
    (6044, 6049, "InvalidDynamicFeeConfigParams", PERMANENT, "The dynamic fee's settings contradict each other", None),
    (6045, 6050, "InvalidFeeOn", EXCLUDE_POOL, "The pool charges its fee in a way the program does not know", None),
    (6046, None, "ZeroSqrtPrice", EXCLUDE_POOL, "The pool has no price", None),
    (6047, None, "ZeroLiquidity", REQUOTE, "No liquidity at the price", None),
    (6048, None, "MissingBaseFlag", PERMANENT, "Liquidity by amount needs to say which side it is given in", None),
    (6049, None, "MissingMintAccount", REBUILD, "A mint has to be passed", None),
    (6050, None, "MissingTokenProgram2022", REBUILD, "The Token-2022 program has to be passed", None),
    (6051, None, "InvalidTickArrayBitmapExtensionAccount", REBUILD, "The tick bitmap's extension is another pool's", None),
)
_SPELLED_BEFORE: Final[Row] = (
    6037,
    "NotApproveUpdateRewardEmissiones",
    PERMANENT,
    "Rewards change within 72 hours of the end of a cycle only",
)
_PROGRAM: Final = ("raydium-clmm", ("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK",))


def _row(code: int, name: str, class_: ErrorClass, meaning: str, next_step: str | None) -> Row:
    return (code, name, class_, meaning) if next_step is None else (code, name, class_, meaning, next_step)


_NOW: Final = [_row(new, name, class_, said, step) for new, _, name, class_, said, step in _BOTH if new is not None]
_UNTIL: Final = [_row(old, name, class_, said, step) for _, old, name, class_, said, step in _BOTH if old is not None]

ERRORS: Final = (
    *error_table(*_PROGRAM, _NOW, edition="since April 2026"),
    *error_table(*_PROGRAM, _UNTIL, edition="until April 2026"),
    *error_table(*_PROGRAM, [_SPELLED_BEFORE], edition="until March 2026"),
)
