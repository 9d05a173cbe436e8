"""The cluster through its JSON-RPC: AccountReader and TransactionSender (dexroute/ports.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.chain.retry import RetryPolicy, with_retries
from dexroute.chain.rpc import answers, questions
from dexroute.chain.rpc.blocks import has_blocks
from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.failures import is_unsupported
from dexroute.chain.rpc.fields import Field
from dexroute.chain.rpc.group import Endpoint, require_slot
from dexroute.chain.rpc.heights import check_height, height_and_slot
from dexroute.chain.rpc.landed import landed_transaction
from dexroute.chain.rpc.together import Statuses, StatusQuestions
from dexroute.errors import RpcError
from dexroute.types.accounts import AccountData
from dexroute.types.chain import (
    AccountFilter,
    AccountsAtSlot,
    BlockhashLifetime,
    Commitment,
    HistoryEntry,
    LandedTransaction,
    SignatureStatus,
    Simulation,
)

if TYPE_CHECKING:
    import httpx

MOST_ACCOUNTS: Final = 100  # a node's limit for getMultipleAccounts
MOST_SIGNATURES: Final = 256  # and for getSignatureStatuses
# https://github.com/anza-xyz/solana-sdk, rent/src/lib.rs: 3,480 lamports per byte-year, exempt at two years
_ACCOUNT_OVERHEAD_BYTES: Final = 128
_RENT_EXEMPT_LAMPORTS_PER_BYTE: Final = 2 * 3_480


class RpcClient:
    """A cluster through one JSON-RPC endpoint, or through several as one (`endpoint`). Reads are retried (`retry`), sends never:
    resending is the executor's to decide.

    `url` may hold credentials; they appear in no message, log or repr. `transport` replaces the network: with it, `url`
    "embedded" is the embedded cluster. Accounts are read and transactions simulated at `commitment`. Use as `async with`.
    Every method raises NetworkError: RpcUnreachable, RateLimited, StaleData, RpcError (`context["rpc_code"]` is the node's code;
    `unsupported` is set when it does not offer the method, `malformed` when its answer is not what the method must answer).
    """

    def __init__(
        self,
        url: str = "",
        *,
        endpoint: Endpoint | None = None,
        genesis_hash: Hash | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_ms: int = 10_000,
        retry: RetryPolicy | None = None,
        commitment: Commitment = Commitment.CONFIRMED,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoint: Endpoint = endpoint or JsonRpcEndpoint(url, transport=transport, timeout_ms=timeout_ms)
        self._retry = retry or RetryPolicy()
        self._commitment = commitment
        self._sleep = sleep
        self._genesis_hash = genesis_hash
        self._tells_genesis = True
        self._statuses = StatusQuestions(self._ask_statuses, MOST_SIGNATURES)

    def __repr__(self) -> str:
        return f"RpcClient({self.endpoint})"

    @property
    def endpoint(self) -> str:
        """The endpoint's URL without credentials."""
        return self._endpoint.name

    @property
    def latency_ms(self) -> int | None:
        """Of an answered call, averaged; None before the first."""
        return self._endpoint.latency_ms

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._statuses.aclose()
        await self._endpoint.aclose()

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The raw `result` of any read method, retried. For what has no method of its own here."""
        return (await self._read(method, list(params))).value

    # AccountReader

    async def get_accounts(
        self,
        addresses: Sequence[Pubkey],
        *,
        min_context_slot: int | None = None,
        commitment: Commitment | None = None,
    ) -> AccountsAtSlot:
        """1 to 100 addresses in one call, at one slot. An answer older than `min_context_slot` is StaleData."""
        if not 1 <= len(addresses) <= MOST_ACCOUNTS:
            raise ValueError(f"get_accounts takes 1 to {MOST_ACCOUNTS} addresses, not {len(addresses)}")

        async def once() -> AccountsAtSlot:
            question = questions.multiple_accounts(addresses, commitment or self._commitment, min_context_slot)
            found = answers.accounts_at_slot(await self._endpoint.call(*question, min_slot=min_context_slot), addresses)
            require_slot("getMultipleAccounts", self.endpoint, found.slot, min_context_slot)
            return found

        return await with_retries(once, self._retry, sleep=self._sleep)

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        """Accounts owned by a program. Nodes may refuse it or ignore filters and slice: the caller checks what it gets."""
        return answers.keyed_accounts(await self._read(*questions.program_accounts(program_id, filters, data_slice)))

    async def token_accounts(self, owner: Pubkey, token_program: Pubkey) -> Mapping[Pubkey, AccountData]:
        """The token accounts of a wallet under one of the two token programs."""
        return answers.keyed_accounts(await self._read(*questions.token_accounts(owner, token_program)))

    # TransactionSender

    async def genesis_hash(self) -> Hash:
        """What tells clusters apart; asked once. For a node that does not offer it, a hash of where the node is: the best name it
        leaves us to keep its orders and pools apart from those of other clusters."""
        if self._genesis_hash is None:
            try:
                self._genesis_hash = (await self._read("getGenesisHash", [])).hash()
            except RpcError as error:
                if not is_unsupported(error):
                    raise
                self._tells_genesis = False
                self._genesis_hash = place_name(self.endpoint)
        return self._genesis_hash

    @property
    def tells_genesis(self) -> bool:
        """False once the node turned out not to offer its genesis hash: `genesis_hash` is then only a name for its place."""
        return self._tells_genesis

    async def knows_block_of(self, other: RpcClient) -> bool | None:
        """Whether this node's finalized chain holds the latest finalized blockhash of `other`, which no two clusters share; None
        where one of them does not tell."""
        try:
            latest = (await other._read("getLatestBlockhash", [{"commitment": Commitment.FINALIZED}]))["value"]["blockhash"].hash()
            known = await self.is_blockhash_valid(latest)
            # A server that takes any blockhash for a valid one tells nothing.
            return None if known and await self.is_blockhash_valid(Hash.new_unique()) else known
        except RpcError as error:
            if not is_unsupported(error):
                raise
            return None

    async def latest_blockhash(self, *, min_context_slot: int | None = None) -> BlockhashLifetime:
        """The latest blockhash at `confirmed`; at `finalized` where transactions are simulated on that, which must know it. A node
        that has not reached `min_context_slot` is asked again; what was read at `processed` is no measure for it."""
        level = Commitment.FINALIZED if self._commitment is Commitment.FINALIZED else Commitment.CONFIRMED
        least = None if self._commitment is Commitment.PROCESSED else min_context_slot
        options = {"commitment": level} if least is None else {"commitment": level, "minContextSlot": least}

        async def once() -> BlockhashLifetime:
            answer = await self._endpoint.call("getLatestBlockhash", [options], min_slot=least)
            slot = answer["context"]["slot"].uint()
            require_slot("getLatestBlockhash", self.endpoint, slot, least)
            return BlockhashLifetime(
                blockhash=answer["value"]["blockhash"].hash(),
                last_valid_block_height=answer["value"]["lastValidBlockHeight"].uint(),
                slot=slot,
            )

        return await with_retries(once, self._retry, sleep=self._sleep)

    async def block_height(self, commitment: Commitment) -> tuple[int, int]:
        """(block height, a slot the node had reached at this commitment), from one answer where the node gives both.

        Raises RpcError with `implausible` when the height cannot be one: above the slot, or past the end of the node's own latest
        blockhash. Some nodes answer slots instead; an order judged by them would be given up while it can still land."""
        answered = await height_and_slot(self._read, commitment)
        if commitment is Commitment.FINALIZED:
            ends = (await self._read("getLatestBlockhash", [{"commitment": commitment}]))["value"]["lastValidBlockHeight"].uint()
            check_height(self.endpoint, *answered, latest_ends=ends)
        return answered

    async def is_blockhash_valid(self, blockhash: Hash) -> bool | None:
        """Whether the finalized chain still takes transactions on `blockhash`; None when the node refuses to tell."""
        try:
            answer = await self._read("isBlockhashValid", [str(blockhash), {"commitment": Commitment.FINALIZED}])
        except RpcError as error:
            if "rpc_code" not in error.context:
                raise
            return None
        return answer["value"].boolean()

    async def simulate(self, wire: bytes, *, accounts: Sequence[Pubkey] = (), min_context_slot: int | None = None) -> Simulation:
        """Simulate these bytes with their own blockhash, signatures unchecked; `accounts` come back as they would be after. A node
        that has not reached `min_context_slot` is asked again."""
        question = questions.simulate(wire, accounts, self._commitment, min_context_slot)

        async def once() -> Simulation:
            found = answers.simulation(await self._endpoint.call(*question, min_slot=min_context_slot), accounts)
            # Servers that do not know minContextSlot answer from where they are; there the blockhash may be one still to come.
            if found.error is not None and found.error.raw == "BlockhashNotFound":
                require_slot("simulateTransaction", self.endpoint, found.slot, min_context_slot)
            return found

        return await with_retries(once, self._retry, sleep=self._sleep)

    async def send(self, wire: bytes) -> None:
        """One sendTransaction, no preflight, no retries by the node or here. An error says nothing about landing either."""
        await self._endpoint.call(*questions.send(wire))

    async def signature_statuses(
        self, signatures: Sequence[Signature], *, search_history: bool
    ) -> tuple[int, tuple[SignatureStatus | None, ...]]:
        """(context slot, a status or None for each of 1 to 256 signatures). What many callers ask at a time is asked together."""
        return await self._statuses.answer(signatures, search_history=search_history)

    async def _ask_statuses(self, signatures: Sequence[Signature], search_history: bool) -> Statuses:
        asked = [[str(signature) for signature in signatures], {"searchTransactionHistory": search_history}]
        return answers.signature_statuses(await self._read("getSignatureStatuses", asked), len(signatures))

    async def first_available_slot(self) -> int:
        """The oldest slot whose block this node still has; 0 where it does not offer the method."""
        try:
            return (await self._read("getFirstAvailableBlock", [])).uint()
        except RpcError as error:
            if is_unsupported(error):
                return 0
            raise

    async def has_blocks(self, since_slot: int, until_height: int) -> bool | None:
        """Whether this node has every finalized block from a slot on up to a height; None where it does not tell."""
        return await has_blocks(self._read, since_slot, until_height)

    async def signatures_of(self, address: Pubkey) -> tuple[HistoryEntry, ...]:
        """The newest finalized transactions that name `address`, at most 1,000, newest first."""
        params = [str(address), {"limit": 1_000, "commitment": Commitment.FINALIZED}]
        return answers.history(await self._read("getSignaturesForAddress", params))

    async def transaction(self, signature: Signature) -> LandedTransaction | None:
        """The landed transaction at `confirmed`, or None while this node does not have it."""
        return landed_transaction(await self._read(*questions.transaction(signature)), signature)

    async def recent_priority_fees(self, writable: Sequence[Pubkey]) -> tuple[int, ...]:
        """Micro-lamports per compute unit of recent slots; empty when the node does not offer the method."""
        try:
            answer = await self._read("getRecentPrioritizationFees", [[str(address) for address in writable[:128]]])
        except RpcError as error:
            if is_unsupported(error):
                return ()
            raise
        return tuple(entry["prioritizationFee"].uint() for entry in answer.items())

    async def rent_exemption(self, data_length: int) -> int:
        """Lamports an account of this many bytes must hold; where the node does not offer the method, the default of clusters."""
        try:
            return (await self._read("getMinimumBalanceForRentExemption", [data_length])).uint()
        except RpcError as error:
            if not is_unsupported(error):
                raise
            return (_ACCOUNT_OVERHEAD_BYTES + data_length) * _RENT_EXEMPT_LAMPORTS_PER_BYTE

    # Test clusters and diagnosis

    async def request_airdrop(self, address: Pubkey, lamports: int) -> Signature:
        """Lamports from a test cluster's faucet: the signature of the transaction that brings them. Not retried."""
        answer = await self._endpoint.call("requestAirdrop", [str(address), lamports, {"commitment": Commitment.CONFIRMED}])
        try:
            return Signature.from_string(answer.text())
        except ValueError:
            raise answer.wrong("a signature") from None

    async def version(self) -> str:
        """The node's software version."""
        return (await self._read("getVersion", []))["solana-core"].text()

    async def _read(self, method: str, params: list[Any]) -> Field:
        return await with_retries(lambda: self._endpoint.call(method, params), self._retry, sleep=self._sleep)


def place_name(endpoint: str) -> Hash:
    """What stands for the genesis hash of a node that does not tell it: a hash of where it is."""
    return Hash.hash(f"unnamed cluster at {endpoint}".encode())
