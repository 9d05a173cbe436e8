"""`Dex`: quote, swap, and look up what was done. The composition root: the only place that sees every room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, Unpack

from solders.pubkey import Pubkey

from dexroute.config import Settings, load_settings
from dexroute.config.passphrase import environment_passphrase
from dexroute.engine.planning import PlannedSwap, PreparedAttempt, PriorityFeePolicy, SwapBuilder, check_slippage
from dexroute.engine.planning.guards import require_slots
from dexroute.engine.routing import RouteOptions
from dexroute.engine.routing.reliability import PoolRecord, pool_records
from dexroute.errors import DataDirBusy, DexError, InvalidAmount, KeypairError, SignerUnavailable, UsageError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import load_pools
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.host.clock import HostClock
from dexroute.ports import Signer
from dexroute.sdk.account_caches import AccountCaches, open_caches
from dexroute.sdk.cluster_memory import check_cluster_name
from dexroute.sdk.connection import Connection, connect
from dexroute.sdk.depth import DEPTH_LEVELS_BPS, MarketDepth, market_depth
from dexroute.sdk.events import open_events
from dexroute.sdk.funds import promises
from dexroute.sdk.learning import Learning
from dexroute.sdk.order_builder import QuotedOrders
from dexroute.sdk.orders import Orders
from dexroute.sdk.own_transactions import OwnTransactions
from dexroute.sdk.pool_finder import FoundPools, PoolFinder
from dexroute.sdk.quote import Quote
from dexroute.sdk.quote_guards import newest_known_slot
from dexroute.sdk.quoting import Quoter
from dexroute.sdk.recent_fees import RecentFees
from dexroute.sdk.signing_policy import signing_policy, tips
from dexroute.sdk.strategies import preference
from dexroute.sdk.swap_instructions import SwapInstructions
from dexroute.sdk.table_shelf import TableShelf
from dexroute.sdk.tables import LookupTables
from dexroute.sdk.terms import (
    Strategy,
    StrategyName,
    SwapTerms,
    TermChoices,
    as_strategy,
    check_intermediates,
    oracle_guard,
    with_hop_slippage,
)
from dexroute.sdk.token import Token
from dexroute.sdk.tokens import TokenBook
from dexroute.sdk.venues import venues_for
from dexroute.sdk.wallet import Faucet, WalletBalance, read_balances
from dexroute.sdk.worker import SWEEP_MS, Announcer, Worker, new_worker
from dexroute.types.amounts import parse_ui_amount, require_u64
from dexroute.types.checks import set_of
from dexroute.types.orders import OrderEvent, OrderState, Priority
from dexroute.types.pools import RememberedPool
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    import httpx

    from dexroute.chain.stream import StreamStatus
    from dexroute.engine.execution.claim import EventWatcher
    from dexroute.engine.execution.queue import QueuePolicy
    from dexroute.engine.execution.receipt import Receipt
    from dexroute.engine.execution.recovery import Recovered
    from dexroute.storage.store import SqlStore

Amount = int | str | Decimal
"""Base units as int, or what a person would type ("1.5") as str or Decimal."""


class Dex:
    """One wallet on one cluster. Use as `async with Dex(url=..., keypair=...) as dex`.

    Settings come from `settings`, or from keyword arguments named like them (url, keypair, data_dir, ...) over environment and
    files. `signer` replaces the configured key, and `signers` the further ones (`keypairs`), whose orders `worker` and `resume`
    carry out as well; `passphrase` is asked for an encrypted one when it first signs (by default the
    environment is). `transport` replaces the network (tests, proxies). `watcher` hears of every step of every order once it is
    durable. `stream` keeps the accounts of quoted pairs current over the node's WebSocket: quotes then cost
    no round trip while it is up, and one while it is not.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        signer: Signer | None = None,
        signers: Sequence[Signer] | None = None,
        passphrase: Callable[[str], str] = environment_passphrase,
        transport: httpx.AsyncBaseTransport | None = None,
        watcher: EventWatcher | None = None,
        stream: bool = False,
        **overrides: Any,
    ) -> None:
        if settings is not None and overrides:
            raise UsageError(f"give either settings or keyword arguments, not both: {', '.join(overrides)}")
        self.settings = settings or load_settings(overrides)
        self.venues = venues_for(self.settings)
        self.signing_policy = signing_policy(self.settings, self.venues)
        self._signer = signer
        self._further = None if signers is None else tuple(signers)
        self._passphrase = passphrase
        self._transport = transport
        self._watcher = watcher
        self._streams = stream
        self._clock = HostClock()
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._store: SqlStore | None = None
        self._orders: Orders | None = None
        self._announce: Announcer | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._connection = await stack.enter_async_context(connect(self.settings, transport=self._transport))
            self._caches: AccountCaches = await open_caches(
                self.settings, self._connection, self._clock, stack, stream=self._streams
            )
            self.reload_tokens()
            self._stack = stack.pop_all()
        self._quoter: Quoter | None = None
        self._learning: Learning | None = None
        self._reader = PoolReader(self._connection.client, self.venues, self._caches.in_order)
        self._shelf = TableShelf(self.settings.lookup_tables)
        client = self._connection.client
        self._builder = SwapBuilder(
            client,
            client,
            self.venues,
            known_tables=lambda: self._shelf.addresses,
            screening=self.signing_policy,
            tip=tips(self.settings),
            fee_nodes=self._connection.senders,
        )
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self._stack.aclose()

    # the cluster and the wallet

    @property
    def connection(self) -> Connection:
        """The open connection."""
        return self._connection

    @property
    def signer(self) -> Signer:
        """The signer given, or the key where the settings say it is. An encrypted file is not opened yet. Raises KeypairError."""
        if self._signer is None:
            self._signer = self._open(self.settings.keypair)
        return self._signer

    @property
    def signers(self) -> tuple[Signer, ...]:
        """`signer`, and the keys of further wallets, each wallet once. Raises KeypairError for the first that cannot be used."""
        if self._further is None:
            self._further = tuple(self._open(named) for named in self.settings.keypairs)
        first = {self.signer.pubkey: self.signer}
        return tuple((first | {one.pubkey: one for one in self._further if one.pubkey not in first}).values())

    async def open_signer(self) -> Signer:
        """`signer`, without keeping the event loop waiting while a remote one or a keychain is asked who it is."""
        return await asyncio.to_thread(lambda: self.signer)

    async def open_signers(self) -> tuple[Signer, ...]:
        """`signers`, likewise."""
        return await asyncio.to_thread(lambda: self.signers)

    def _open(self, named: str) -> Signer:
        from dexroute.chain.signers import open_signer

        return open_signer(named, self._passphrase, timeout_ms=self.settings.rpc_timeout_ms)

    async def balances(self, wallet: Pubkey | None = None) -> WalletBalance:
        """Lamports and token balances of a wallet (this one's by default), base units."""
        return await read_balances(self._connection.client, wallet or (await self.open_signer()).pubkey)

    def stream_status(self) -> StreamStatus | None:
        """How the stream fares; None without one (not asked for, or the cluster is embedded)."""
        return self._caches.stream.status() if self._caches.stream else None

    def faucet(self) -> Faucet:
        """Airdrops, on clusters that have a faucet."""
        return Faucet(self._connection.client, self._clock)

    # quotes

    def reload_tokens(self) -> None:
        """Read the token list of the data directory again, after symbols were added to it."""
        from dexroute.chain.tokens import TokenList

        self.tokens = TokenBook(TokenList.open(self.settings.data_dir, self._connection.genesis_hash), self._connection.client)

    async def token(self, symbol_or_mint: str | Pubkey) -> Token:
        """The token a symbol or mint means on this cluster. Raises UnknownToken, AmbiguousToken."""
        return await self.tokens.resolve(symbol_or_mint)

    async def terms(
        self,
        input_token: str | Pubkey,
        output_token: str | Pubkey,
        amount: Amount,
        *,
        exact_out: bool = False,
        slippage_bps: int | None = None,
        max_impact_bps: int | None = None,
        max_deviation_bps: int | None = None,
        max_slot_age: int | None = None,
        oracles: Mapping[str | Pubkey, Pubkey] | None = None,
        strategy: Strategy | StrategyName = Strategy.BEST,
        route: RouteOptions | None = None,
        priority_fee: PriorityFeePolicy | None = None,
    ) -> SwapTerms:
        """A request put exactly: symbols resolved, the amount in base units, defaults filled in. No market is looked at.

        `amount` is of the input token, or of the output token with `exact_out`. Guards, each by default as the settings say:
        `max_impact_bps` against the pools' spot prices, `max_deviation_bps` against a reference price (the median of deep pools,
        and Pyth price feed accounts that `oracles` names for tokens), `max_slot_age` against the newest slot of the cluster.
        `strategy` says what a route is chosen for; see `Strategy` (its value as text will do). Raises UsageError and its
        subclasses, also for values of another type than these: a float is no amount.
        """
        slippage = self.settings.slippage_bps if slippage_bps is None else slippage_bps
        check_slippage(slippage)
        paid, got = await self.token(input_token), await self.token(output_token)
        measured = got if exact_out else paid
        base_units = _base_units(amount, measured.decimals)
        if route is not None:
            check_intermediates(route, paid.mint, got.mint)
            for venue in (*sorted(route.venues or ()), *sorted(route.exclude_venues)):
                _ = self.venues[venue]  # raises UsageError naming the known venues
        set_of("oracles", (oracles or {}).values(), Pubkey)
        oracle = oracle_guard(
            {(await self.token(named)).mint: account for named, account in (oracles or {}).items()},
            max_age_s=self.settings.oracle_max_age_s,
            max_confidence_bps=self.settings.oracle_max_confidence_bps,
        )
        terms = SwapTerms(
            request=QuoteRequest(
                input_mint=paid.mint,
                output_mint=got.mint,
                amount=base_units,
                mode=SwapMode.EXACT_OUT if exact_out else SwapMode.EXACT_IN,
            ),
            slippage_bps=slippage,
            max_impact_bps=self.settings.max_impact_bps if max_impact_bps is None else max_impact_bps,
            max_deviation_bps=self.settings.max_deviation_bps if max_deviation_bps is None else max_deviation_bps,
            max_slot_age=self.settings.max_slot_age if max_slot_age is None else max_slot_age,
            oracle=oracle,
            strategy=as_strategy(strategy),
            route=with_hop_slippage(route or RouteOptions(), slippage),
            priority_fee=priority_fee or PriorityFeePolicy(cap_lamports=self.settings.priority_fee_cap_lamports),
        )
        if oracle is not None:
            oracle.require_feeds(paid.mint, got.mint)
        return terms

    async def quote(
        self,
        input_token: str | Pubkey,
        output_token: str | Pubkey,
        amount: Amount,
        *,
        swappable: bool = False,
        refresh: bool = False,
        kept_slots: int | None = None,
        **terms: Unpack[TermChoices],
    ) -> Quote:
        """The best route over all known pools, with every candidate and why it lost. Takes what `terms` takes.

        `swappable` leaves out venues whose program is not on the cluster; `refresh` looks for pools even when some are remembered.
        Accounts kept from before serve when they are at most `kept_slots` old; 0 reads them now, in one round trip once
        warm. The default is 0, but the setting `cache_slots` with a stream or the strategy "speed".
        Raises RouteNotFound, GuardRefused, UsageError, NetworkError.
        """
        return await self.quote_terms(
            await self.terms(input_token, output_token, amount, **terms),
            swappable=swappable,
            refresh=refresh,
            kept_slots=kept_slots,
        )

    async def depth(
        self,
        base: str | Pubkey,
        quote: str | Pubkey,
        *,
        levels_bps: Sequence[int] = DEPTH_LEVELS_BPS,
        refresh: bool = False,
    ) -> MarketDepth:
        """How much of `base` can be sold and bought against `quote` within each level (basis points) of the mid price, by pool, all
        fees included. Raises RouteNotFound, UsageError, NetworkError."""
        paid, got = await self.token(base), await self.token(quote)
        memory = await self._memory()
        return await market_depth(
            self._finder(memory),
            self._reader,
            self._learns(memory),
            paid,
            got,
            levels_bps,
            max_pools=self.settings.max_pools,
            refresh=refresh,
        )

    async def quote_terms(
        self, terms: SwapTerms, *, swappable: bool = False, refresh: bool = False, kept_slots: int | None = None
    ) -> Quote:
        """Like `quote`, for terms already put exactly."""
        age = self._caches.allowed_slots(terms.strategy) if kept_slots is None else kept_slots
        require_slots(age, "kept slots")
        return await (await self._quoting()).quote(terms, swappable=swappable, refresh=refresh, kept_slots=age)

    async def instructions(self, quote: Quote, *, user: Pubkey) -> SwapInstructions:
        """What carries the quote out for `user`, in order, all legs and limits included, and the lookup tables to compile it with:
        for protocols and wallets that build and sign their own transactions. No compute-budget instructions; the quote's limit is
        enforced on chain. Raises QuoteOnly, GuardRefused."""
        plan, _ = await self._builder.plan(_planned(quote), user)
        return SwapInstructions(plan.instructions, plan.lookup_tables)

    async def preview(self, quote: Quote) -> PreparedAttempt:
        """The transaction a swap would sign now, simulated, and what it would move and cost. Nothing is recorded or sent.
        Raises GuardRefused (funds, simulation, fee cap, size), NetworkError."""
        lifetime = await self._connection.client.latest_blockhash(min_context_slot=quote.clock.slot)
        wallet = (await self.open_signer()).pubkey
        prepared = await self._builder.prepare(_planned(quote), wallet, lifetime, quote.terms.priority_fee)
        await self._learns(await self._memory()).keep_units()
        return prepared

    # swaps

    async def swap(
        self, quote: Quote, *, key: str | None = None, wait_ms: int | None = None, deadline_ms: int | None = None
    ) -> Receipt:
        """Carry the quote out exactly once and return the receipt of the CONFIRMED (or elsewhere CANCELLED) order.

        `key` is the caller's idempotency key: the same key with the same terms returns the same order, whatever became of it, and
        never swaps twice. The route is looked for anew at each attempt; the quote's limit stands. Past `deadline_ms` (Unix time of
        this host) nothing new is signed; what was signed is followed to its truth. Raises what ended the order:
        GuardRefused, RouteNotFound, LandedWithError, AttemptExpired, NetworkError (nothing was sent) or OutcomeUnknown (it was,
        and `resume` finds out); IdempotencyConflict.
        """
        await self.open_signer()
        orders = await self.orders()
        receipt = await orders.place(
            quote.terms,
            limit=quote.limit,
            key=key,
            promised=promises(quote, tips(self.settings)),
            wait_ms=wait_ms,
            deadline_ms=deadline_ms,
        )
        with suppress(DexError):  # the swap is done: nothing that fails now may hide it
            await self._learns(self._store).keep_units()
        return receipt

    async def submit(
        self,
        quote: Quote,
        *,
        key: str | None = None,
        deadline_ms: int | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> Receipt:
        """Record the swap and return at once; `run` carries it out, here or in a later process. `key` as for `swap`.

        What the wallet cannot pay is not recorded: one look at it, unless the order under `key` is there already.
        Raises InsufficientFunds with what is needed and what is there, FundsPromised when open orders already count on the same
        coins, QuoteOnly, IdempotencyConflict."""
        wallet = (await self.open_signer()).pubkey
        orders = await self.orders()
        placed = None if key is None else await orders.submitted(key, quote.terms)
        if placed is None:
            await self._builder.require_funds(
                _planned(quote),
                wallet,
                priority_fee_lamports=quote.expected_costs.priority_fee_lamports,
                min_context_slot=quote.clock.slot,
            )
        return await orders.submit(
            quote.terms,
            limit=quote.limit,
            key=key,
            promised=promises(quote, tips(self.settings)),
            deadline_ms=deadline_ms,
            priority=priority,
        )

    async def run(self, *, until_idle: bool = False, policy: QueuePolicy | None = None) -> None:
        """Work off the journal's open orders, and watch what landed until it is final, until cancelled; with `until_idle` until
        nothing is left to do now. `policy` (of the first call) says how many at once."""
        await self.open_signers()
        await (await self.orders()).queue(policy).run(until_idle=until_idle)

    async def worker(self, *, at_once: int = 16, per_wallet: int = 16, sweep_ms: int = SWEEP_MS) -> Worker:
        """A worker for the orders of all wallets whose keys are here (`signers`): at most `at_once` at a time, `per_wallet` of one.
        On PostgreSQL others may work beside it, on any machine; tickets wake it, and every `sweep_ms` it looks for orders that no
        ticket brought. Raises ConfigError where the engine of the tickets is not installed, KeypairError."""
        wallets = [signer.pubkey for signer in await self.open_signers()]
        tickets = None
        if (await self.journal()).leased:
            from dexroute.storage.ticket_engine import ticket_engine

            tickets = ticket_engine(self.settings.database_url, self._connection.genesis_hash)
        return new_worker(
            await self.orders(),
            tickets,
            wallets,
            at_once=at_once,
            per_wallet=per_wallet,
            sweep_ms=sweep_ms,
        )

    async def placed(self, key: str, terms: SwapTerms) -> Receipt | None:
        """The order already placed under `key`, carried to its end if it is still open; None when there is none.
        Raises IdempotencyConflict when it was placed under other terms, and what ended the order."""
        return await (await self.orders()).under_key(key, terms)

    async def resume(self, *, wait_ms: int | None = None) -> tuple[Recovered, ...]:
        """Take up every open order of the journal, and then what `settle` does: what every start after a crash does. Orders of
        wallets whose keys are not here are only followed, where they were signed. What `settle` raises is raised when all orders
        were taken up."""
        recovered = await (await self.orders()).resume(wait_ms=wait_ms)
        await self.settle(wait_ms=wait_ms)
        return recovered

    async def settle(self, *, wait_ms: int | None = None) -> None:
        """Follow to its end the transaction on a lookup table that an earlier call of this or a further wallet sent and did not see
        the end of: the same bytes go out again. Raises OutcomeUnknown when that is not known within `wait_ms`, KeypairError,
        NetworkError, DatabaseError."""
        journal = await self.journal()

        async def followed(signer: Signer) -> None:
            await self._own_transactions(journal, lambda: signer, wait_ms).settle()

        for signer in await self.open_signers():
            await followed(signer)

    async def orders(self) -> Orders:
        """The journal of orders and the executor over it. Opens the journal; raises DataDirBusy, DatabaseError, and NetworkError
        when the cluster's name is lost."""
        store = await self.journal()
        if self._orders is None:
            endpoints = [sender.endpoint for sender in self._connection.senders]
            await check_cluster_name(store, endpoints, self._connection.genesis_hash)
        quoting = await self._quoting()
        if self._orders is None:
            builder = QuotedOrders(quoting, self._builder, store)
            self._orders = Orders(
                store=store,
                connection=self._connection,
                builder=builder,
                signer=lambda: self.signer,
                signers=lambda: self.signers,
                clock=self._clock,
                wait_ms=self.settings.confirm_timeout_ms,
                screening=self.signing_policy,
                watcher=self._watcher,
                announce=self._announce,
            )
        return self._orders

    async def list_orders(self, *, states: Collection[OrderState] | None = None, limit: int | None = None) -> tuple[Receipt, ...]:
        """Orders of the journal, newest first."""
        return await (await self.orders()).list(states=states, limit=limit)

    async def journal(self) -> SqlStore:
        """The journal, opened (and migrated) on first use. Raises DataDirBusy, DatabaseError, DatabaseUnavailable."""
        async with self._opening:  # two callers at once open one
            if self._store is None:
                from dexroute.storage.store import open_store

                # the embedded cluster lies in the same directory: a backup brings both back as they were
                elsewhere = None if self.settings.is_embedded else self.settings.state_dir
                store = await self._stack.enter_async_context(open_store(self.settings.database_url, elsewhere=elsewhere))
                self._events = await self._stack.enter_async_context(
                    open_events(store, self.settings.redis_url, self._connection.genesis_hash)
                )
                self._store = store
                if store.leased:
                    self._announce = Announcer(self.settings.database_url, self._connection.genesis_hash)
                    self._stack.push_async_callback(self._announce.close)
        return self._store

    async def events(self, order_id: str | None = None, *, after: int = 0, live: bool = True) -> AsyncIterator[OrderEvent]:
        """Every step of one order numbered above `after` by its `seq`, or of all orders by `position`: first those already in the
        journal, then, with `live`, each soon after its commit. Subscribe again from the last number seen and nothing is missed,
        nothing comes twice. For one order it ends when nothing can happen to the order any more. Raises OrderNotFound."""
        await self.journal()
        async for event in self._events.follow(order_id, after=after, live=live):
            yield event

    # pools

    async def pools(self) -> tuple[RememberedPool, ...]:
        """Every pool remembered for this cluster, last seen first."""
        return await (await self.journal()).remembered_pools(self._connection.genesis_hash)

    async def pool_records(self) -> dict[Pubkey, PoolRecord]:
        """How attempts through each pool ended, as the newest orders of this journal tell: what strategy "reliability" goes by."""
        attempts = await (await self.journal()).attempt_records(self._connection.genesis_hash)
        return pool_records(attempts, self.venues)

    async def load_pools(self, addresses: Sequence[Pubkey]) -> dict[Pubkey, Pool]:
        """Pools as they are now, all from one slot. Raises DecodeError for the first that cannot be used."""
        loaded = await load_pools(self._connection.client, addresses, self.venues)
        for error in loaded.broken.values():
            raise error
        self.tokens.learn(mint for pool in loaded.pools.values() for mint in pool.mints)
        return dict(loaded.pools)

    async def add_pool(self, address: Pubkey) -> Pool:
        """Read a pool and remember it for routing. Raises DecodeError when it is none of a venue we know."""
        pool = (await self.load_pools([address]))[address]
        now_ms = self._clock.now_ms()
        remembered = RememberedPool(
            genesis_hash=self._connection.genesis_hash,
            address=address,
            venue_id=pool.venue_id,
            mints=tuple(mint.address for mint in pool.mints),
            source="user",
            first_seen_ms=now_ms,
            last_seen_ms=now_ms,
            seen_slot=pool.slot,
        )
        await (await self.journal()).remember_pools([remembered])
        return pool

    async def discover_pools(self, input_token: str | Pubkey, output_token: str | Pubkey) -> FoundPools:
        """Look for pools of a pair now and remember them. Returns hints, and how each source fared."""
        paid, got = await self.token(input_token), await self.token(output_token)
        return await self._finder(await self.journal()).for_pair(paid.mint, got.mint, max_hops=2, refresh=True)

    async def tables(self) -> LookupTables:
        """The lookup tables of this wallet and cluster: list, create, extend, deactivate, close, add. Raises DataDirBusy."""
        await self._quoting()
        journal = await self.journal()
        return LookupTables(
            reader=self._connection.client,
            sender=self._connection.client,
            transactions=self._own_transactions(journal, lambda: self.signer),
            memory=journal,
            notes=journal,
            shelf=self._shelf,
            named=self.settings.lookup_tables,
            genesis_hash=self._connection.genesis_hash,
            clock=self._clock,
        )

    def _own_transactions(self, journal: SqlStore, signer: Callable[[], Signer], wait_ms: int | None = None) -> OwnTransactions:
        return OwnTransactions(
            self._connection.client,
            self._connection.senders,
            signer,
            self._clock,
            journal,
            routes=self._connection.routes,
            hints=self._connection.hints,
            genesis_hash=self._connection.genesis_hash,
            screening=self.signing_policy,
            priority_fee_cap_lamports=self.settings.priority_fee_cap_lamports,
            wait_ms=self.settings.confirm_timeout_ms if wait_ms is None else wait_ms,
        )

    async def _memory(self) -> SqlStore | None:
        """The journal, for what needs none: beside a bot that holds it, pools are discovered anew each time."""
        try:
            return await self.journal()
        except DataDirBusy:
            if self.settings.is_embedded:
                raise
            return None

    async def _quoting(self) -> Quoter:
        if self._quoter is None:
            memory = await self._memory()
            if memory is not None:
                self._shelf.add(table.address for table in await memory.remembered_tables(self._connection.genesis_hash))
            self._quoter = Quoter(
                self._reader,
                self.venues,
                self._finder(memory),
                self._learns(memory),
                self.tokens,
                self._clock,
                await self._wallet_if_any(),
                max_pools=self.settings.max_pools,
                newest_slot=lambda: newest_known_slot(self._connection.senders),
                preference=lambda strategy: preference(
                    strategy, memory, self._connection.genesis_hash, self.venues, self._clock.now_ms()
                ),
                shelf=self._shelf,
                learned_units=self._builder.learned_units,
                fees=RecentFees(self._builder.recent_fees, self._clock),
                tip=tips(self.settings),
            )
        return self._quoter

    def _learns(self, memory: SqlStore | None) -> Learning:
        if self._learning is None:
            self._learning = Learning(self._reader, self._builder, self.venues, self._connection.genesis_hash, memory)
        return self._learning

    async def _wallet_if_any(self) -> Pubkey | None:
        """The wallet's address; None without a usable key, which quoting does not need."""
        try:
            return (await self.open_signer()).pubkey
        except (KeypairError, SignerUnavailable):
            return None

    def _finder(self, memory: SqlStore | None) -> PoolFinder:
        return PoolFinder(self._connection.client, self.venues, self.settings, self._clock, self._connection.genesis_hash, memory)


def _planned(quote: Quote) -> PlannedSwap:
    return PlannedSwap(quote=quote.best, pools=quote.pools, request=quote.request, limit=quote.limit)


def _base_units(amount: Amount, decimals: int) -> int:
    """An amount as it was given, exactly. Raises InvalidAmount, for a float too: what it shows is not what it is."""
    if isinstance(amount, Decimal):
        return parse_ui_amount(f"{amount:f}", decimals)
    if isinstance(amount, str):
        return parse_ui_amount(amount, decimals)
    if isinstance(amount, int):
        return require_u64(amount)
    raise InvalidAmount(
        f"amount {amount!r} is of type {type(amount).__name__}; give text or a Decimal as a person would type it ('1.5'), or base "
        "units as an int",
        amount=repr(amount),
    )
