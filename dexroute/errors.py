"""Every error dexroute raises on purpose. One tree, leaf of the import graph.

::

    DexError
    ├── UsageError                the caller asked for something that cannot be meant     exit 2
    │   ├── InvalidAmount         zero, negative, over u64, too many decimals
    │   ├── UnknownToken          symbol or mint nobody knows
    │   ├── AmbiguousToken        a symbol several mints carry
    │   ├── ConfigError           a setting or a config file that does not parse
    │   ├── KeypairError          keypair file missing, readable by others, malformed
    │   │   └── WrongPassphrase   the encrypted keypair does not open with it
    │   ├── OrderNotFound         no such order in this journal
    │   ├── IllegalTransition     the order's state does not allow what was asked
    │   │   └── SignatureTaken    an equal transaction of another order has this very signature
    │   ├── IdempotencyConflict   same key, another body
    │   └── DatabaseError         journal corrupt, newer than this dexroute, or of another cluster
    ├── DecodeError               account bytes are not what they must be                 exit 2
    │   ├── UnsupportedMint       a Token-2022 extension that would make a quote a lie
    │   └── MissingAccounts       the snapshot lacks accounts the pool needs
    ├── NotASwap                  an instruction that is no swap this dexroute builds     exit 2
    ├── QuoteError                this pool refuses this swap (as its program would)      exit 3
    │   ├── PairNotInPool         the pool does not hold the two mints
    │   ├── ModeNotOffered        the venue's program has no exact-out (or exact-in) swap
    │   ├── PoolNotTradable       disabled, not yet open, or unusable fee settings
    │   ├── AmountTooSmall        nothing would be left, or nothing would come out
    │   ├── ExceedsLiquidity      more than the pool holds
    │   ├── LiquidityNotLoaded    more than the accounts that were read show; `context["missing"]` names the next ones
    │   └── QuoteOverflow         arithmetic the program cannot do
    ├── RouteNotFound             no pool or path delivers                                exit 3
    ├── GuardRefused              a limit the caller set, or their funds, forbids it      exit 4
    │   ├── SlippageExceeded      the market moved beyond the limit since the quote
    │   ├── PriceImpactTooHigh    the swap would move the pools' prices by more than allowed
    │   ├── InsufficientFunds     the wallet holds less than the swap, its fees and rent take
    │   │   └── FundsPromised     open orders already promise these coins
    │   ├── PriorityFeeTooHigh    the fixed price per compute unit costs more than the cap
    │   ├── TransactionTooLarge   more bytes, accounts or compute units than one transaction has
    │   ├── LookupTableUnusable   missing, malformed, another program's, deactivated, or still warming up
    │   ├── QuoteOnly             the venue's program is not on this cluster
    │   ├── SimulationFailed      the exact message fails in simulation
    │   ├── OrderInDoubt          the journal was restored, and a swap it forgot may be this order's
    │   ├── PolicyRefused         the signing policy does not allow this message
    │   ├── PriceDeviation        worse than the reference price by more than allowed
    │   ├── OracleUnusable        a price feed that is stale, unsure, partly verified or none at all
    │   └── SnapshotRefused       what was read must not be quoted; it may be better the next time (retryable)
    │       ├── TornSnapshot      accounts of one quote read at different slots
    │       └── StaleSnapshot     older than the caller allows
    ├── NetworkError              nothing is known to be wrong; try again                 exit 5
    │   ├── RpcUnreachable        no connection to the node, or none within the timeout
    │   ├── RateLimited           the node asks to be asked less often
    │   ├── RpcError              the node answered with a JSON-RPC error
    │   │   └── AccessRefused     the node refuses the API key (HTTP 401, 403); asking again is no use  exit 2
    │   ├── StaleData             a lagging node
    │   ├── SignerUnavailable     the remote signer does not answer, refuses, or answers nonsense
    │   ├── CacheUnavailable      the shared account cache (Redis) does not answer
    │   ├── CacheDamaged          bytes under the cache's keys that it did not write
    │   ├── OutcomeUnknown        sent, and neither landed nor proven dead yet
    │   ├── DataDirBusy           another dexroute works on this data directory
    │   ├── DatabaseUnavailable   the database server does not answer, or a write could not be completed
    │   ├── JournalRestored       from a backup: nothing is signed while bytes it forgot may still land
    │   └── OrderTakenOver        another worker or a cancel claimed the order meanwhile
    ├── LandedWithError           the program refused on chain; fees were paid            exit 6
    └── AttemptExpired            proven never to land; nothing was spent                 exit 7
        └── DeadlinePassed        the order's deadline passed before it could land

`code` is stable and upper-case, `retryable` says whether the same call may succeed later unchanged,
`context` holds typed facts (JSON-ready: str, int, bool, None, lists and dicts of these; amounts as str).
Messages say what failed, with which pool, slot or amounts, and what to do next. They never hold secrets.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DexError(Exception):
    """Base of the tree. `exit_code` is what the CLI leaves with (architecture, section 5)."""

    code: ClassVar[str] = "DEX_ERROR"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.context: dict[str, Any] = context


class UsageError(DexError):
    code = "USAGE"
    exit_code = 2


class InvalidAmount(UsageError):
    code = "INVALID_AMOUNT"


class UnknownToken(UsageError):
    code = "UNKNOWN_TOKEN"


class AmbiguousToken(UsageError):
    code = "AMBIGUOUS_TOKEN"


class ConfigError(UsageError):
    code = "CONFIG"


class KeypairError(UsageError):
    code = "KEYPAIR"


class WrongPassphrase(KeypairError):
    code = "WRONG_PASSPHRASE"


class OrderNotFound(UsageError):
    code = "ORDER_NOT_FOUND"


class IllegalTransition(UsageError):
    code = "ILLEGAL_TRANSITION"


class SignatureTaken(IllegalTransition):
    code = "SIGNATURE_TAKEN"


class IdempotencyConflict(UsageError):
    code = "IDEMPOTENCY_CONFLICT"


class DatabaseError(UsageError):
    code = "DATABASE"


class DecodeError(DexError):
    """Account bytes are wrong. `pool` and `field` name the place."""

    code = "DECODE"
    exit_code = 2

    def __init__(self, message: str, *, pool: str, field: str, **context: Any) -> None:
        super().__init__(message, pool=pool, field=field, **context)
        self.pool = pool
        self.field = field


class UnsupportedMint(DecodeError):
    code = "UNSUPPORTED_MINT"


class MissingAccounts(DecodeError):
    code = "MISSING_ACCOUNTS"


class NotASwap(DexError):
    """Instruction bytes are not exactly a swap of `venue`. `field` names what is wrong: program, data, accounts or amount."""

    code = "NOT_A_SWAP"
    exit_code = 2

    def __init__(self, message: str, *, venue: str, field: str, **context: Any) -> None:
        super().__init__(message, venue=venue, field=field, **context)


class QuoteError(DexError):
    """A pool refuses a swap. `program_error` is the custom code its program would answer, where it has one."""

    code = "QUOTE"
    exit_code = 3

    def __init__(self, message: str, *, program_error: int | None = None, **context: Any) -> None:
        super().__init__(message, program_error=program_error, **context)
        self.program_error = program_error


class PairNotInPool(QuoteError):
    code = "PAIR_NOT_IN_POOL"


class ModeNotOffered(QuoteError):
    code = "MODE_NOT_OFFERED"


class PoolNotTradable(QuoteError):
    code = "POOL_NOT_TRADABLE"


class AmountTooSmall(QuoteError):
    code = "AMOUNT_TOO_SMALL"


class ExceedsLiquidity(QuoteError):
    code = "EXCEEDS_LIQUIDITY"


class LiquidityNotLoaded(QuoteError):
    code = "LIQUIDITY_NOT_LOADED"


class QuoteOverflow(QuoteError):
    code = "QUOTE_OVERFLOW"


class RouteNotFound(DexError):
    """No route. `context["candidates"]` lists what was tried and why each lost."""

    code = "NO_ROUTE"
    exit_code = 3


class GuardRefused(DexError):
    code = "GUARD_REFUSED"
    exit_code = 4


class SlippageExceeded(GuardRefused):
    code = "SLIPPAGE_EXCEEDED"


class PriceImpactTooHigh(GuardRefused):
    code = "PRICE_IMPACT_TOO_HIGH"


class InsufficientFunds(GuardRefused):
    code = "INSUFFICIENT_FUNDS"


class FundsPromised(InsufficientFunds):
    code = "FUNDS_PROMISED"


class PriorityFeeTooHigh(GuardRefused):
    code = "PRIORITY_FEE_TOO_HIGH"


class TransactionTooLarge(GuardRefused):
    code = "TRANSACTION_TOO_LARGE"


class LookupTableUnusable(GuardRefused):
    """A lookup table no message may name; `context["reason"]` says why in a word."""

    code = "LOOKUP_TABLE_UNUSABLE"


class QuoteOnly(GuardRefused):
    code = "QUOTE_ONLY"


class OrderInDoubt(GuardRefused):
    code = "ORDER_IN_DOUBT"


class SimulationFailed(GuardRefused):
    code = "SIMULATION_FAILED"


class PriceDeviation(GuardRefused):
    code = "PRICE_DEVIATION"


class OracleUnusable(GuardRefused):
    code = "ORACLE_UNUSABLE"


class SnapshotRefused(GuardRefused):
    """A guard on what was read: nothing was asked wrongly, and the same call may succeed. Exit code 4, because a guard refused and
    has the numbers; that it is worth trying again, which 5 stands for, is told by `retryable` and in words."""

    code = "SNAPSHOT_REFUSED"
    retryable = True


class TornSnapshot(SnapshotRefused):
    code = "TORN_SNAPSHOT"


class StaleSnapshot(SnapshotRefused):
    code = "STALE_SNAPSHOT"


class PolicyRefused(GuardRefused):
    """`context["rule"]` names the rule that was broken."""

    code = "POLICY_REFUSED"


class NetworkError(DexError):
    code = "NETWORK"
    retryable = True
    exit_code = 5


class RpcUnreachable(NetworkError):
    code = "RPC_UNREACHABLE"


class RateLimited(NetworkError):
    code = "RATE_LIMITED"


class RpcError(NetworkError):
    code = "RPC_ERROR"


class AccessRefused(RpcError):
    """Like any other error of a node it proves nothing about what was sent. But it is a setting that is wrong, as a missing keypair
    is: exit code 2, so that no script that retries on 5 goes on for ever."""

    code = "ACCESS_REFUSED"
    retryable = False
    exit_code = 2


class StaleData(NetworkError):
    code = "STALE_DATA"


class SignerUnavailable(NetworkError):
    code = "SIGNER_UNAVAILABLE"


class CacheUnavailable(NetworkError):
    code = "CACHE_UNAVAILABLE"


class CacheDamaged(NetworkError):
    code = "CACHE_DAMAGED"


class OutcomeUnknown(NetworkError):
    code = "OUTCOME_UNKNOWN"


class DataDirBusy(NetworkError):
    code = "DATA_DIR_BUSY"


class DatabaseUnavailable(NetworkError):
    code = "DATABASE_UNAVAILABLE"


class JournalRestored(NetworkError):
    code = "JOURNAL_RESTORED"


class OrderTakenOver(NetworkError):
    code = "ORDER_TAKEN_OVER"


class LandedWithError(DexError):
    code = "LANDED_WITH_ERROR"
    exit_code = 6


class AttemptExpired(DexError):
    code = "ATTEMPT_EXPIRED"
    retryable = True
    exit_code = 7


class DeadlinePassed(AttemptExpired):
    code = "DEADLINE_PASSED"
