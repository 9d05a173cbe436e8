"""Error codes of Raydium AMM v4. Source: raydium-io/raydium-amm@27f461d, program/src/error.rs.

16779513 is not Raydium's: the market program (OpenBook) answers it when an exact output exceeds the coin vault of a pool with
orders (found by execution).
"""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, Row, error_table

_SMALLER: Final = "ask for a smaller amount, or use another pool"
_ROWS: Final[tuple[Row, ...]] = (
    (0, "AlreadyInUse", PERMANENT, "The account to be created exists already"),
    (1, "InvalidProgramAddress", REBUILD, "The pool authority given is not the program's"),
    (2, "ExpectedMint", REBUILD, "An account given as mint is none"),
    (3, "ExpectedAccount", REBUILD, "An account given as token account is none"),
    (4, "InvalidCoinVault", REBUILD, "The coin vault given is not the pool's"),
    (5, "InvalidPCVault", REBUILD, "The pc vault given is not the pool's"),
    (6, "InvalidTokenLP", REBUILD, "The liquidity token account does not fit the pool"),
    (7, "InvalidDestTokenCoin", REBUILD, "The account to receive the coin does not fit"),
    (8, "InvalidDestTokenPC", REBUILD, "The account to receive the pc token does not fit"),
    (9, "InvalidPoolMint", REBUILD, "The liquidity mint given is not the pool's"),
    (10, "InvalidOpenOrders", REBUILD, "The open orders account given is not the pool's"),
    (11, "InvalidMarket", REBUILD, "The market given is not the pool's"),
    (12, "InvalidMarketProgram", REBUILD, "The market program given is not the pool's"),
    (13, "InvalidTargetOrders", REBUILD, "The target orders account given is not the pool's"),
    (14, "AccountNeedWriteable", REBUILD, "An account that changes was passed read-only"),
    (15, "AccountNeedReadOnly", REBUILD, "An account that must not change was passed writable"),
    (16, "InvalidCoinMint", REBUILD, "The coin mint given is not the pool's"),
    (17, "InvalidPCMint", REBUILD, "The pc mint given is not the pool's"),
    (18, "InvalidOwner", REBUILD, "An account belongs to the wrong owner"),
    (19, "InvalidSupply", PERMANENT, "The liquidity mint already has a supply"),
    (20, "InvalidDelegate", PERMANENT, "A token account of the pool has a delegate"),
    (21, "InvalidSignAccount", REBUILD, "The user did not sign", "sign with the key that owns the input account"),
    (22, "InvalidStatus", EXCLUDE_POOL, "The pool's status allows no swap now, or it is not open yet"),
    (23, "InvalidInstruction", REBUILD, "The program does not know this instruction"),
    (24, "WrongAccountsNumber", REBUILD, "The instruction lists the wrong number of accounts"),
    (25, "InvalidTargetAccountOwner", REBUILD, "The target orders account belongs to another program"),
    (26, "InvalidTargetOwner", REBUILD, "The target orders account is another pool's"),
    (27, "InvalidAmmAccountOwner", REBUILD, "The pool account is not this program's"),
    (28, "InvalidParamsSet", PERMANENT, "A parameter is outside what an administrator may set"),
    (29, "InvalidInput", REQUOTE, "The input or the output comes to nothing", "ask for a larger amount"),
    (30, "ExceededSlippage", REQUOTE, "The swap would not meet its limit: the price moved since the quote"),
    (31, "CalculationExRateFailure", EXCLUDE_POOL, "The rate between the pool's reserves cannot be computed"),
    (32, "CheckedSubOverflow", EXCLUDE_POOL, "The pool owes more profit than it holds, or an amount exceeds its reserves"),
    (33, "CheckedAddOverflow", REQUOTE, "A sum overflows the program's integers", _SMALLER),
    (34, "CheckedMulOverflow", REQUOTE, "A product overflows the program's integers", _SMALLER),
    (35, "CheckedDivOverflow", EXCLUDE_POOL, "A division by zero: the pool has nothing on one side"),
    (36, "CheckedEmptyFunds", EXCLUDE_POOL, "The pool is empty"),
    (37, "CalcPnlError", EXCLUDE_POOL, "The pool's profit cannot be computed"),
    (38, "InvalidSplTokenProgram", REBUILD, "The token program given is not SPL Token"),
    (39, "TakePnlError", PERMANENT, "The pool's profit cannot be taken out"),
    (40, "InsufficientFunds", PERMANENT, "The wallet holds less than the swap takes", "fund the input token account or swap less"),
    (41, "ConversionFailure", REQUOTE, "An amount does not fit 64 bits", _SMALLER),
    (42, "InvalidUserToken", REBUILD, "The user's token accounts are not of the pool's two mints"),
    (43, "InvalidSrmMint", REBUILD, "The account given as SRM mint is not it"),
    (44, "InvalidSrmToken", REBUILD, "The account given as SRM token account does not fit"),
    (45, "TooManyOpenOrders", EXCLUDE_POOL, "The pool has too many orders in its market"),
    (46, "OrderAtSlotIsPlaced", REQUOTE, "The pool has placed its orders in this slot already"),
    (47, "InvalidSysProgramAddress", REBUILD, "The account given as system program is not it"),
    (48, "InvalidFee", PERMANENT, "A fee setting is outside its bounds"),
    (49, "RepeatCreateAmm", PERMANENT, "A pool of this market exists already"),
    (50, "NotAllowZeroLP", PERMANENT, "A deposit or withdrawal would move no shares"),
    (51, "InvalidCloseAuthority", PERMANENT, "A token account of the pool has a close authority"),
    (52, "InvalidFreezeAuthority", PERMANENT, "The liquidity mint has a freeze authority"),
    (53, "InvalidReferPCMint", REBUILD, "The referrer's account is not of the pc mint"),
    (54, "InvalidConfigAccount", REBUILD, "The configuration account given is not the program's"),
    (55, "RepeatCreateConfigAccount", PERMANENT, "The configuration account exists already"),
    (56, "MarketLotSizeIsTooLarge", PERMANENT, "The market's lots are too large for a pool"),
    (57, "InitLpAmountTooLess", PERMANENT, "The first deposit is too small"),
    (58, "UnknownAmmError", EXCLUDE_POOL, "The program gave up without a reason"),
    (59, "NotAllowed", EXCLUDE_POOL, "Both sides of the pool are the same mint"),
    (16779513, "OpenBookWrongVault", REQUOTE, "The output exceeds what the vault holds outside the order book", _SMALLER),
)

ERRORS: Final = error_table("raydium-amm-v4", ("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",), _ROWS)
