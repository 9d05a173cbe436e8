"""One run: callers, processes that crash and start again, and the weather; then calm, recovery, and the count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from dexroute.engine.execution import failpoints
from dexroute.engine.execution.executor import Executor
from dexroute.engine.execution.intake import new_order
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.queue import OrderQueue, QueuePolicy
from dexroute.engine.execution.recovery import resume
from dexroute.errors import DatabaseUnavailable, DexError, IdempotencyConflict, NetworkError, OutcomeUnknown
from dexroute.ports import OrderStore
from dexroute.types.orders import Order, OrderEvent, Priority, Promise
from dexroute.types.requests import QuoteRequest
from tests.engine.simulated_bench import MINT_A, MINT_B
from tests.engine.simulated_chain import SLOT_MS, KeySigner
from tests.simulation.chain import Chain
from tests.simulation.invariants import Rule, Violation, violations
from tests.simulation.journal import Journal, JournalPort
from tests.simulation.market import Market, SlowSigner
from tests.simulation.memory_store import MemoryStore
from tests.simulation.mutants import Mutant
from tests.simulation.node import Node, NodePort
from tests.simulation.process import RUNNING, Died, Host, Process, reached
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualLoop, run_virtually
from tests.simulation.weather import Weather, draw

AMOUNT: Final = 1_000_000
CALM_S: Final = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one seed came to."""

    seed: int
    weather: Weather
    violations: tuple[Violation, ...]
    faults: Counter[str]
    steps: Counter[str]
    digest: str
    virtual_s: float
    orders: int
    lines: tuple[str, ...]


def simulate(seed: int, *, keep_trace: bool = False, store: OrderStore | None = None, mutant: Mutant | None = None) -> Run:
    """Run a seed to its end, in no time. The same seed is the same run. `store` (None: in memory) is an empty journal; one that is
    not leased makes it a run with one worker at a time."""
    loop = VirtualLoop(RUNNING)
    world = World(seed, loop, keep_trace, store)
    with _failpoints_of_processes(), mutant(world) if mutant else nullcontext():
        found = run_virtually(world.run(), loop)
    return Run(
        seed=seed,
        weather=world.weather,
        violations=tuple(found),
        faults=world.trace.faults,
        steps=world.trace.steps,
        digest=world.trace.digest,
        virtual_s=loop.now,
        orders=world.placed,
        lines=tuple(world.trace.lines),
    )


@contextmanager
def _failpoints_of_processes() -> Iterator[None]:
    real = failpoints._reached
    failpoints._reached = reached
    try:
        yield
    finally:
        failpoints._reached = real


class World:
    def __init__(self, seed: int, loop: VirtualLoop, keep_trace: bool, store: OrderStore | None) -> None:
        self.loop = loop
        self.random = random = Random(seed)
        self.weather = weather = draw(random, leased=None if store is None else store.leased)
        self.trace = Trace(lambda: loop.now, keep=keep_trace)
        self.trace.note("seed %d: %s", seed, weather)
        self.chain = Chain(weather, random, self.trace)
        self.nodes = [
            Node(f"node {number}", self.chain, weather, random, self.trace, weather.lie if number == 0 else None)
            for number in range(weather.nodes)
        ]
        store = store or MemoryStore(leased=weather.leased, now_ms=lambda: int(loop.now * 1_000), is_gone=self._is_gone)
        self.journal = Journal(store, weather, random, self.trace)
        self.host = Host()
        self.signer = KeySigner()
        self.signer.keypair = Keypair.from_seed(random.randbytes(32))
        self.processes: list[Process] = []
        self.executors: dict[str, Executor] = {}
        self.acknowledged: set[str] = set()
        self.cancelled: set[str] = set()
        self.bugs: list[BaseException] = []
        self.placed = 0
        loop.set_exception_handler(self._unheard)

    def _unheard(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, (DexError, Died, asyncio.CancelledError)):
            self.bugs.append(error)

    async def run(self) -> list[Violation]:
        weather = self.weather
        chain = asyncio.create_task(self._blocks())
        workers = [asyncio.create_task(self._worker(number)) for number in range(weather.workers)]
        callers = [asyncio.create_task(self._caller(number)) for number in range(weather.orders)]
        troubles = [
            *(asyncio.create_task(self._crash()) for _ in range(weather.crashes)),
            *(asyncio.create_task(self._arm()) for _ in range(weather.failpoints)),
            *(asyncio.create_task(self._pause()) for _ in range(weather.pauses)),
            *(asyncio.create_task(self._outage()) for _ in range(weather.outages)),
            *(asyncio.create_task(self._jump()) for _ in range(weather.clock_jumps)),
        ]
        await asyncio.sleep(weather.horizon_s)
        await asyncio.gather(*troubles)
        self._calm()
        ended = await self._settled(callers)
        for task in workers:
            task.cancel()
        for process in self.processes:
            process.kill("the run is over")
        found = [] if ended else [Violation(rule=Rule.LOST, what=f"not all was settled {CALM_S:g} s after the storm")]
        found += await violations(
            self.journal.store,
            self.chain,
            committed=self.journal.committed,
            acknowledged=self.acknowledged,
            cancelled=self.cancelled,
        )
        self.bugs += [bug for process in self.processes for bug in process.bugs]
        found += [Violation(rule=Rule.BUG, what=f"{type(bug).__name__}: {bug}") for bug in self.bugs]
        await asyncio.gather(*workers, return_exceptions=True)
        chain.cancel()
        return found

    async def _blocks(self) -> None:
        while True:
            await asyncio.sleep(SLOT_MS / 1_000)
            self.chain.produce()

    def _calm(self) -> None:
        self.trace.note("the weather clears")
        self.chain.troubled = self.journal.troubled = False
        for node in self.nodes:
            node.troubled = False
        restart = self.random.random() < 0.5
        for process in self.processes:
            process.armed.clear()
            if restart:
                process.kill("a restart in calm weather")

    async def _settled(self, callers: list[asyncio.Task[None]]) -> bool:
        """Wait until every order has ended for good and nothing is on its way, then let what landed last become final."""
        until = self.loop.now + CALM_S
        store = self.journal.store
        while self.loop.now < until:
            await asyncio.sleep(1)
            orders = await store.orders()
            if all(caller.done() for caller in callers) and self.chain.idle and all(o.settled and not o.is_open for o in orders):
                return True
        return False

    # processes

    async def _worker(self, number: int) -> None:
        """One place where a process runs: when it dies, another is started after a while."""
        lives = 0
        while True:
            lives += 1
            process = Process(f"worker {number}.{lives}", self.loop, self.host, self.trace, self.random)
            self.processes.append(process)
            self.executors[process.name] = self._executor(process)
            self.trace.note("%s starts", process.name)
            process.spawn(self._work(process))
            await process.dead.wait()
            await asyncio.sleep(self.random.random() * 4)

    def _executor(self, process: Process) -> Executor:
        random = self.random
        return Executor(
            store=JournalPort(self.journal, process),
            senders=[NodePort(node, process) for node in self.nodes],
            signer_of={self.signer.pubkey: SlowSigner(self.signer, process, random)}.get,
            builder=Market(self.nodes, process, random),
            clock=process,
            owner=process.name,
            policy=ExecutionPolicy(
                resend_ms=1_500,
                poll_ms=500,
                lease_ms=6_000,
                dead_ms=1_000,
                settle_ms=2_000,
                settle_all_ms=6_000,
                backoff_ms=300,
                wait_ms=20_000,
            ),
            watcher=self._heard,
            funds=self._funds,
            random=random.random,
        )

    def _is_gone(self, owner: str) -> bool:
        """What is true of the dead, and at times thought of one who lives: its session with the database broke."""
        dead = any(process.name == owner and process.dead.is_set() for process in self.processes)
        return dead or self.journal.happens("lock_lost")

    def _heard(self, order: Order, event: OrderEvent) -> None:
        self.acknowledged.add(order.id)
        if self.journal.happens("listener_failed"):
            raise NetworkError("simulated: who listens to events fails")

    async def _funds(self, order: Order) -> Mapping[Pubkey, int]:
        return {MINT_A: self.chain.tip.holdings.a}

    async def _work(self, process: Process) -> None:
        """What `dex worker` and the SDK do: recover, then work off the queue; start over when the journal fails."""
        executor = self.executors[process.name]
        if self.random.random() < 0.5:
            with suppress(DexError):
                await resume(executor, wait_ms=self.random.choice((2_000, 20_000)))
        while True:
            with suppress(DexError):
                await OrderQueue(executor, QueuePolicy(turn_ms=self.random.choice((3_000, 30_000)))).run()
            await process.sleep_ms(500)

    def _alive(self) -> list[Process]:
        return [process for process in self.processes if not process.dead.is_set()]

    # trouble

    async def _crash(self) -> None:
        await asyncio.sleep(self.random.random() * self.weather.horizon_s)
        if alive := self._alive():
            process = self.random.choice(alive)
            self.trace.fault("crash", process.name)
            process.kill("at any moment")

    async def _arm(self) -> None:
        await asyncio.sleep(self.random.random() * self.weather.horizon_s / 2)
        if alive := self._alive():
            process = self.random.choice(alive)
            if self.random.random() < 0.5:
                process.armed["*"] = self.random.randint(1, 40)
            else:
                process.armed[self.random.choice(failpoints.FAILPOINTS)] = self.random.randint(1, 2)

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.random() * self.weather.horizon_s)
        if alive := self._alive():
            process = self.random.choice(alive)
            process.paused_until = self.loop.now + self.random.random() * 15
            self.trace.fault("pause", "%s until %.3f", process.name, process.paused_until)

    async def _outage(self) -> None:
        """Of a node, at any time or when it has just got bytes. One started anew from a snapshot knows nothing from before; or all
        of it that was finalized, and nothing of the time it was down."""
        await asyncio.sleep(self.random.random() * self.weather.horizon_s)
        if self.random.random() < 0.5:
            known = len(self.chain.received)
            while len(self.chain.received) == known and self.loop.now < self.weather.horizon_s:
                await asyncio.sleep(0.1)
        node = self.random.choice(self.nodes)
        forgets = self.random.random() < self.weather.chance("forgot")
        misses = not forgets and self.random.random() < self.weather.chance("missed")
        # one that is soon back is still asked about what it missed
        seconds = 3 + self.random.random() * (5 if forgets or misses else 27)
        comes_back = self.chain.slot + int(seconds * 1_000) // SLOT_MS
        node.down_until = self.loop.now + seconds
        # beside one that tells a wrong outcome to the end nobody would be left to contradict it
        if forgets and self.weather.lie != "wrong_transaction":
            node.begins_at = comes_back
        elif misses and self.weather.lie != "wrong_transaction":
            node.gap = range(self.chain.root.slot + 1, comes_back)

    async def _jump(self) -> None:
        await asyncio.sleep(self.random.random() * self.weather.horizon_s)
        self.host.offset_ms += self.random.choice((-86_400_000, -60_000, -5_000, 5_000, 60_000, 86_400_000))
        self.trace.fault("clock_jump")

    # callers

    def _order(self, number: int, *, amount: int = AMOUNT) -> Order:
        self.placed += 1
        now_ms = 1_700_000_000_000 + self.host.offset_ms + int(self.loop.now * 1_000)
        deadline_ms = now_ms + self.random.randint(500, 40_000) if number % 3 == 2 else None
        order = new_order(
            request=QuoteRequest(input_mint=MINT_A, output_mint=MINT_B, amount=amount),
            wallet=self.signer.pubkey,
            genesis_hash=str(self.chain.genesis),
            slippage_bps=100,
            now_ms=now_ms,
            key=f"key {number}",
            deadline_ms=deadline_ms,
            priority=self.random.choice(tuple(Priority)),
            promised=(Promise(mint=MINT_A, amount=amount),),
        )
        return replace(order, id=f"{self.placed:032x}")

    async def _caller(self, number: int) -> None:
        """Somebody who wants one swap, and asks again under the same key when he is not told what came of it."""
        random = self.random
        await asyncio.sleep(random.random() * self.weather.horizon_s * 0.6)
        asked = [asyncio.create_task(self._ask(number))]
        if random.random() < 0.3:
            self.trace.fault("asked_twice")
            asked.append(asyncio.create_task(self._ask(number)))
        if random.random() < 0.1:
            self.trace.fault("key_reused")
            asked.append(asyncio.create_task(self._reuse(number)))
        if random.random() < 0.25:
            await asyncio.sleep(random.random() ** 2 * 20)
            asked.append(asyncio.create_task(self._cancel(number)))
        await asyncio.gather(*asked)

    async def _in_some_process(self, call: Callable[[Executor], Any]) -> Any:
        """The answer, or the error, of a call in a process that happens to live; Died when it does not outlive the call."""
        while not (alive := self._alive()):
            await asyncio.sleep(0.5)
        process = self.random.choice(alive)
        task = process.spawn(call(self.executors[process.name]))
        await asyncio.wait([task])
        if task.cancelled():
            return Died()
        return task.exception() or task.result()

    async def _ask(self, number: int) -> None:
        for _ in range(8):
            wait_ms = self.random.choice((1_000, 5_000, 20_000))

            async def call(executor: Executor, wait_ms: int = wait_ms) -> Order:
                if self.random.random() < 0.4:
                    order, _ = await executor.place(self._order(number))
                    return order
                return await executor.execute(self._order(number), wait_ms=wait_ms)

            answer = await self._in_some_process(call)
            if isinstance(answer, Order):
                self.acknowledged.add(answer.id)
                return
            self.trace.note("caller %d hears %s", number, type(answer).__name__)
            if not isinstance(answer, (Died, DatabaseUnavailable, OutcomeUnknown, NetworkError)) or self.random.random() < 0.2:
                return
            await asyncio.sleep(self.random.random() * 2)

    async def _reuse(self, number: int) -> None:
        answer = await self._in_some_process(lambda executor: executor.execute(self._order(number, amount=AMOUNT + 1)))
        # whichever body came first has the key
        if isinstance(answer, IdempotencyConflict):
            self.trace.fault("conflict")

    async def _cancel(self, number: int) -> None:
        async def call(executor: Executor) -> Order | None:
            order = await executor.store.order_by_key(f"key {number}")
            if order is None:
                return None
            self.cancelled.add(order.id)
            return await executor.cancel(order.id, wait_ms=self.random.choice((1_000, 20_000)))

        self.trace.fault("cancel")
        answer = await self._in_some_process(call)
        self.trace.note("who cancels %d hears %s", number, type(answer).__name__)
