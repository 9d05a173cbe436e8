"""PENDING, ROUTING and BUILDING: everything before a signature. Whatever goes wrong here has provably cost nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dexroute.engine.execution.builder import BuiltAttempt, OrderBuilder, RoutedOrder
from dexroute.engine.execution.claim import Claim
from dexroute.engine.execution.deadline import deadline_passed, past_deadline
from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.failures import failure_of
from dexroute.engine.execution.limits import check_limit
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.execution.reactions import ROUTE_AGAIN, Reaction, backoff_ms, reaction_to
from dexroute.engine.execution.screening import day_guard, screen_attempt
from dexroute.engine.execution.signing import SignerOf, check_message, commit_intent, commit_signature, unsigned_as_dead
from dexroute.engine.planning.screening import SigningPolicy
from dexroute.errors import DexError, KeypairError, PolicyRefused, SignatureTaken, SignerUnavailable, SlippageExceeded
from dexroute.ports import Clock, Signer, TransactionSender
from dexroute.types.chain import BlockhashLifetime
from dexroute.types.orders import AttemptOutcome, EventKind, OrderState

Answer = TypeVar("Answer")


class _Refused(Exception):
    """A reason not to go on, from outside the journal: the journal's own errors must never be written into it as an order's
    failure."""

    def __init__(self, error: DexError, bug: Exception | None = None) -> None:
        self.error = error
        self.bug = bug


class Preparation:
    """Takes a claimed order to SUBMITTED, or to FAILED with nothing signed.

    A network that gives no answer ends an order only for the caller that has just placed it, is told, and decides. One that was
    left for later waits until it answers: whoever submitted it is not there to ask again.
    """

    def __init__(
        self,
        sender: TransactionSender,
        signer_of: SignerOf,
        builder: OrderBuilder,
        clock: Clock,
        policy: ExecutionPolicy,
        random: Callable[[], float],
        screening: SigningPolicy | None = None,
    ) -> None:
        self._sender = sender
        self._signer_of = signer_of
        self._builder = builder
        self._clock = clock
        self._policy = policy
        self._random = random
        self._screening = screening

    async def run(self, claim: Claim) -> None:
        """Leaves the order SUBMITTED or FAILED. Raises what the journal raises; KeypairError or SignerUnavailable (the order
        untouched) when the key of its wallet is not here; and for an order taken from the journal NetworkError or SnapshotRefused
        while the network gives no answer (the order still open, nothing signed)."""
        order = claim.order
        signer = self._signer_of(order.wallet)
        if signer is None or signer.pubkey != order.wallet:
            raise KeypairError(
                f"order {order.id} is of wallet {order.wallet}, whose key is not here: name it with -k",
                order=order.id,
                wallet=str(order.wallet),
            )
        await self._to_routing(claim, None)
        if deadline_passed(order, self._clock):
            await self._fail(claim, past_deadline(order, "nothing was signed since"))
            return
        tries = 1
        while True:
            try:
                routed = await self._route(claim)
                await self._build_and_sign(claim, routed, signer)
            except SignatureTaken as taken:
                # an equal order was faster on this blockhash: the builder makes the next message another one, and nothing failed
                await self._to_routing(claim, taken)
                continue
            except _Refused as refusal:
                # while routing, a limit that cannot be met says all there is to say
                again = claim.order.state is OrderState.BUILDING and reaction_to(refusal.error) in ROUTE_AGAIN
                if again and tries < self._policy.max_routings:
                    await self._to_routing(claim, refusal.error)
                    await self._clock.sleep_ms(backoff_ms(self._policy.backoff_ms, tries, self._random))
                    tries += 1
                    continue
                if not claim.is_new and reaction_to(refusal.error) is Reaction.TRANSIENT:
                    raise refusal.error from None
                await self._fail(claim, refusal.error)
                if refusal.bug is not None:
                    raise refusal.bug from None
            return

    async def _route(self, claim: Claim) -> RoutedOrder:
        routed = await self._ask(Boundary.ROUTE, lambda: self._builder.route(claim.order))
        if claim.order.limit_amount not in (None, routed.limit_amount):
            raise _Refused(
                DexError(f"bug: order {claim.order.id} was routed with another limit than its own", order=claim.order.id)
            )
        _refuse_beyond(lambda: check_limit(claim.order, routed.limit_amount, routed.quoted, "quoted"))
        facts = {
            "amount_in": str(routed.quoted.amount_in),
            "amount_out": str(routed.quoted.amount_out),
            "limit_amount": str(routed.limit_amount),
            **routed.facts,
        }
        await claim.step(
            EventKind.ROUTED,
            to=OrderState.BUILDING,
            facts=facts,
            route=routed.route,
            quoted=routed.quoted,
            limit_amount=routed.limit_amount,
        )
        return routed

    async def _build_and_sign(self, claim: Claim, routed: RoutedOrder, signer: Signer) -> None:
        async def build() -> tuple[BuiltAttempt, BlockhashLifetime]:
            with boundary(Boundary.BLOCKHASH):
                lifetime = await self._sender.latest_blockhash(min_context_slot=routed.slot)
            built = await self._builder.build(claim.order, routed, lifetime)
            check_message(claim.order, built.message, lifetime.blockhash)
            return built, lifetime

        built, lifetime = await self._ask(Boundary.BUILD, build)
        _refuse_beyond(lambda: check_limit(claim.order, claim.order.limit_amount, built.simulated, "simulated"))
        if (screening := self._screening) is not None:
            _refuse_beyond(lambda: screen_attempt(claim.order, built, screening))
        if deadline_passed(claim.order, self._clock):
            raise _Refused(past_deadline(claim.order, "nothing was signed since"))
        guard = None if screening is None else day_guard(claim.order, built.costs, screening, now_ms=self._clock.now_ms())
        try:
            attempt = await commit_intent(claim, self._clock, built, lifetime, guard)
        except PolicyRefused as error:
            raise _Refused(error) from error
        await claim.check_lease()
        try:
            await commit_signature(claim, self._clock, signer, attempt)
        except (KeypairError, SignerUnavailable) as error:
            raise _Refused(error) from error

    async def _to_routing(self, claim: Claim, cause: DexError | None) -> None:
        """Into ROUTING from wherever the order is before a signature; an intent nobody signed is dead by that."""
        unsigned = await unsigned_as_dead(claim, self._clock)
        if claim.order.state is OrderState.ROUTING and unsigned is None:
            return
        facts: dict[str, object] = {} if cause is None else {"cause": cause.code, "message": cause.message}
        if unsigned is not None:
            facts |= {"attempt": unsigned.number, "proof": str(AttemptOutcome.NEVER_SIGNED)}
        kind = EventKind.ROUTING if unsigned is None else EventKind.ATTEMPT_DEAD
        await claim.step(kind, to=OrderState.ROUTING, facts=facts, attempt=unsigned)

    async def _fail(self, claim: Claim, error: DexError) -> None:
        await claim.step(
            EventKind.FAILED,
            to=OrderState.FAILED,
            facts={"code": error.code, "message": error.message},
            attempt=await unsigned_as_dead(claim, self._clock),
            failure=failure_of(error),
        )

    async def _ask(self, place: Boundary, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer; asked again a few times when the network gave none. A refusal, or a bug in what was asked, is _Refused."""
        tries = 0
        while True:
            tries += 1
            try:
                with boundary(place):
                    return await question()
            except DexError as error:
                if reaction_to(error) is not Reaction.TRANSIENT or tries >= self._policy.network_tries:
                    raise _Refused(error) from error
            except Exception as bug:
                raise _Refused(DexError(f"bug in {place}: {type(bug).__name__}: {bug}; nothing was signed"), bug) from bug
            await self._clock.sleep_ms(backoff_ms(self._policy.backoff_ms, tries, self._random))


def _refuse_beyond(check: Callable[[], None]) -> None:
    try:
        check()
    except (SlippageExceeded, PolicyRefused) as error:
        raise _Refused(error) from error
