"""Error codes of Meteora DAMM v1 and of the vault program that keeps its tokens.

Source: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/error.rs; MeteoraAg/cpi-examples@3326f57, idls/dynamic_vault.json.
"""

from __future__ import annotations

from typing import Final

from dexroute.types.program_errors import EXCLUDE_POOL, PERMANENT, REBUILD, REQUOTE, TRANSIENT, Row, error_table

_SMALLER: Final = "ask for a smaller amount, or use another pool"
_LARGER: Final = "ask for a larger amount"
_POOL: Final[tuple[Row, ...]] = (
    (6000, "MathOverflow", REQUOTE, "An amount overflows the program's integers, or exceeds the pool's liquidity", _SMALLER),
    (6001, "InvalidFee", PERMANENT, "A fee setting is outside its bounds"),
    (6002, "InvalidInvariant", EXCLUDE_POOL, "The stable curve finds no solution for the pool's reserves"),
    (6003, "FeeCalculationFailure", EXCLUDE_POOL, "The pool's fees cannot be computed"),
    (6004, "ExceededSlippage", REQUOTE, "The swap would not meet its limit: the price moved since the quote"),
    (6005, "InvalidCalculation", REQUOTE, "The curve finds no result for this amount", _SMALLER),
    (6006, "ZeroTradingTokens", REQUOTE, "Nothing would come out", _LARGER),
    (6007, "ConversionError", REQUOTE, "An amount does not fit the program's integers", _SMALLER),
    (6008, "FaultyLpMint", PERMANENT, "The liquidity mint is not one a pool can start with"),
    (6009, "MismatchedTokenMint", REBUILD, "A token account is not of the pool's mint"),
    (6010, "MismatchedLpMint", REBUILD, "The liquidity mint given is not the pool's"),
    (6011, "MismatchedOwner", REBUILD, "The owner of the liquidity tokens does not fit"),
    (6012, "InvalidVaultAccount", REBUILD, "The vault given is not the pool's"),
    (6013, "InvalidVaultLpAccount", REBUILD, "The vault share account given is not the pool's"),
    (6014, "InvalidPoolLpMintAccount", REBUILD, "The pool's liquidity mint does not fit"),
    (6015, "PoolDisabled", EXCLUDE_POOL, "Swaps are switched off in this pool, or it is not open yet"),
    (6016, "InvalidAdminAccount", PERMANENT, "The signer is not the pool's administrator"),
    (6017, "InvalidProtocolFeeAccount", REBUILD, "The protocol fee account is not the pool's of the input mint"),
    (6018, "SameAdminAccount", PERMANENT, "The pool has this administrator already"),
    (6019, "IdenticalSourceDestination", REBUILD, "Source and destination are the same token account"),
    (6020, "ApyCalculationError", PERMANENT, "The pool's yield cannot be computed"),
    (6021, "InsufficientSnapshot", PERMANENT, "Too few price records for a yield"),
    (6022, "NonUpdatableCurve", PERMANENT, "The pool's curve is fixed"),
    (6023, "MisMatchedCurve", PERMANENT, "The new curve is of another kind"),
    (6024, "InvalidAmplification", PERMANENT, "The amplification is outside its bounds"),
    (6025, "UnsupportedOperation", PERMANENT, "The pool's kind does not support this"),
    (6026, "ExceedMaxAChanges", PERMANENT, "The amplification would change too fast"),
    (6027, "InvalidRemainingAccountsLen", REBUILD, "The pool's staking account is missing, or one account too many was passed"),
    (6028, "InvalidRemainingAccounts", REBUILD, "The staking account given is not the one the pool's price depends on"),
    (6029, "MismatchedDepegMint", REBUILD, "The second mint is not the staking pool's"),
    (6030, "InvalidApyAccount", REBUILD, "The yield account is not the pool's"),
    (6031, "InvalidTokenMultiplier", PERMANENT, "The decimals' multipliers do not fit the mints"),
    (6032, "InvalidDepegInformation", EXCLUDE_POOL, "The staking pool's price cannot be read"),
    (6033, "UpdateTimeConstraint", PERMANENT, "Settings change less often than this"),
    (6034, "ExceedMaxFeeBps", PERMANENT, "A fee is above what the program allows"),
    (6035, "InvalidAdmin", PERMANENT, "The signer is not an administrator"),
    (6036, "PoolIsNotPermissioned", PERMANENT, "Only permissioned pools do this"),
    (6037, "InvalidDepositAmount", PERMANENT, "The deposit does not fit the pool's ratio"),
    (6038, "InvalidFeeOwner", REBUILD, "The fee owner does not fit"),
    (6039, "NonDepletedPool", PERMANENT, "The pool is not empty"),
    (6040, "AmountNotPeg", PERMANENT, "The two amounts are not equal in value"),
    (6041, "AmountIsZero", PERMANENT, "An amount of nothing", _LARGER),
    (6042, "TypeCastFailed", REQUOTE, "An amount does not fit the program's type for it", _SMALLER),
    (6043, "AmountIsNotEnough", PERMANENT, "The amount is too small", _LARGER),
    (6044, "InvalidActivationDuration", PERMANENT, "The time to the opening is outside its bounds"),
    (6045, "PoolIsNotLaunchPool", PERMANENT, "Only launch pools do this"),
    (6046, "UnableToModifyActivationPoint", PERMANENT, "The pool's opening time can no longer change"),
    (6047, "InvalidAuthorityToCreateThePool", PERMANENT, "The configuration reserves pools to another creator"),
    (6048, "InvalidActivationType", PERMANENT, "The pool opens by something other than slot or time"),
    (6049, "InvalidActivationPoint", PERMANENT, "The opening time is not possible"),
    (6050, "PreActivationSwapStarted", PERMANENT, "The swaps before the opening have begun"),
    (6051, "InvalidPoolType", PERMANENT, "The pool is of another type"),
    (6052, "InvalidQuoteMint", PERMANENT, "The second token must be SOL or USDC"),
)
_VAULT: Final[tuple[Row, ...]] = (
    (6000, "VaultIsDisabled", EXCLUDE_POOL, "A vault of the pool takes no deposits now"),
    (6001, "ExceededSlippage", REQUOTE, "The vault would move less than the least amount asked for"),
    (6002, "StrategyIsNotExisted", REBUILD, "No such lending strategy"),
    (6003, "UnAuthorized", PERMANENT, "The signer may not do this"),
    (6004, "MathOverflow", REQUOTE, "An amount overflows the vault's integers", _SMALLER),
    (6005, "ProtocolIsNotSupported", PERMANENT, "The lending protocol is not supported"),
    (6006, "UnMatchReserve", REBUILD, "The reserve is of another mint"),
    (6007, "InvalidLockedProfitDegradation", PERMANENT, "The profit's release is outside its bounds"),
    (6008, "MaxStrategyReached", PERMANENT, "The vault has all the strategies it can have"),
    (6009, "StrategyExisted", PERMANENT, "The vault has this strategy already"),
    (6010, "InvalidUnmintAmount", REQUOTE, "Shares worth nothing, or more than there are", _LARGER),
    (6011, "InvalidAccountsForStrategy", REBUILD, "The strategy's accounts do not fit"),
    (6012, "InvalidBump", PERMANENT, "An address was derived wrongly"),
    (6013, "AmountMustGreaterThanZero", PERMANENT, "An amount of nothing", _LARGER),
    (6014, "MangoIsNotSupportedAnymore", PERMANENT, "Mango is no longer supported"),
    (6015, "StrategyIsNotSupported", PERMANENT, "The strategy is not supported"),
    (6016, "PayAmountIsExeeced", PERMANENT, "More would be paid than is owed"),
    (6017, "FeeVaultIsNotSet", PERMANENT, "The vault has no fee account"),
    (6018, "LendingAssertionViolation", TRANSIENT, "The lending protocol moved another amount than asked for"),
    (6019, "HaveMoneyInLending", PERMANENT, "The strategy still has money lent out"),
)

ERRORS: Final = (
    *error_table("meteora-damm-v1", ("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB",), _POOL),
    *error_table("meteora-vault", ("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi",), _VAULT),
)
