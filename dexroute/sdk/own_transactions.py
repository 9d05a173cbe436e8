"""Transactions that are no swaps: screened, simulated, committed, and only then sent and followed to their end.

The signed bytes are noted in the journal before anything is sent. Whatever happens after that (a timeout, a crash), the next one of
this wallet first finds out what became of them: the same bytes go out again until they landed or have provably expired. So no two
are ever under way at once, and none is made a second time because the first was not seen.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.engine.execution.death import ExpiryProof
from dexroute.engine.execution.landing import Landing, Verdict
from dexroute.engine.execution.policy import ExecutionPolicy
from dexroute.engine.planning.fee_samples import recent_fees
from dexroute.engine.planning.message import budget_instructions, unsigned_wire, writable_accounts
from dexroute.engine.planning.priority_fee import PriorityFeePolicy, compute_unit_price
from dexroute.engine.planning.proving import prove
from dexroute.engine.planning.screening import Evidence, SigningPolicy, TableBounds, screen_table_change
from dexroute.errors import (
    AttemptExpired,
    DatabaseError,
    KeypairError,
    LandedWithError,
    OutcomeUnknown,
    SimulationFailed,
    StaleData,
)
from dexroute.fetchers.failures import failure_cause
from dexroute.ports import AccountReader, Clock, LandingHints, Notes, Signer, TransactionRoute, TransactionSender
from dexroute.types.chain import BlockhashLifetime, LandedTransaction, Simulation
from dexroute.types.network import MAX_COMPUTE_UNITS
from dexroute.types.orders import Attempt

_UNIT_MARGIN: Final = 1_000


class OwnTransactions:
    """Lands one transaction after the other for one wallet of one cluster. `nodes` are sent to and asked, the first one simulates;
    `routes` are sent to as well."""

    def __init__(
        self,
        reader: AccountReader,
        nodes: Sequence[TransactionSender],
        signer: Callable[[], Signer],
        clock: Clock,
        notes: Notes,
        *,
        genesis_hash: str,
        screening: SigningPolicy,
        priority_fee_cap_lamports: int,
        wait_ms: int,
        routes: Sequence[TransactionRoute] = (),
        hints: LandingHints | None = None,
    ) -> None:
        self._reader = reader
        self._nodes = tuple(nodes)
        self._signer = signer
        self._clock = clock
        self._notes = notes
        self._genesis_hash = genesis_hash
        self._screening = screening
        self._fees = PriorityFeePolicy(cap_lamports=priority_fee_cap_lamports)
        self._wait_ms = wait_ms
        self._landing = Landing(self._nodes, clock, ExecutionPolicy(wait_ms=wait_ms), routes, hints)

    async def land(self, instructions: Sequence[Instruction], bounds: TableBounds) -> tuple[Signature, LandedTransaction]:
        """Until the transaction is confirmed; before it, what was left under way is followed to its end.

        Raises PolicyRefused and SimulationFailed (nothing was signed), LandedWithError, AttemptExpired (proven never to land),
        OutcomeUnknown (sent, and no proof either way in time: the next call goes on with it), StaleData where another process of
        this wallet was faster (nothing was sent), NetworkError."""
        before, reached = await self._settled()
        node, signer = self._nodes[0], self._signer()
        lifetime = await node.latest_blockhash(min_context_slot=reached)
        probe = self._message(instructions, lifetime, MAX_COMPUTE_UNITS, 0)
        measured = _sound(await node.simulate(unsigned_wire(probe), min_context_slot=lifetime.slot))
        limit = measured.units_consumed + _UNIT_MARGIN
        price = compute_unit_price(self._fees, await recent_fees(self._nodes, writable_accounts(probe)), limit)
        message = self._message(instructions, lifetime, limit, price)
        await self._screen(message, bounds, lifetime.slot)
        signature = await signer.sign(message)
        if not signature.verify(signer.pubkey, to_bytes_versioned(message)):
            raise KeypairError(f"the signer's answer is not a signature of {signer.pubkey}; nothing was sent")
        wire = bytes(VersionedTransaction.populate(message, [signature]))
        attempt = _attempt(message, signature, wire, lifetime.last_valid_block_height, lifetime.slot, self._clock.now_ms())
        # Bytes that are not committed are never sent, nor beside others: another process may have signed since it was settled.
        if not await self._notes.replace_note(self._name(), before, _remembered(attempt)):
            raise StaleData(f"another process sends a transaction of {signer.pubkey}; nothing was sent by this one, try again")
        return signature, _landed(attempt, await self._followed(attempt))

    async def settle(self) -> int | None:
        """Follow what an earlier call sent and did not see the end of. Returns when nothing of this wallet is under way: the slot
        the last one landed at, if it did, which readers must have reached to see what it changed. Raises OutcomeUnknown,
        DatabaseError when the note about it is damaged."""
        _, reached = await self._settled()
        return reached

    async def _settled(self) -> tuple[str | None, int | None]:
        """The note that says nothing is under way, and the slot in it."""
        while True:
            noted = await self._notes.noted(self._name())
            known = _recalled(noted) if noted else None
            if known is None or isinstance(known, int):
                return noted, known
            await self._followed(known)

    def _name(self) -> str:
        return f"own-transaction:{self._genesis_hash}:{self._signer().pubkey}"

    def _message(self, instructions: Sequence[Instruction], lifetime: BlockhashLifetime, limit: int, price: int) -> MessageV0:
        whole = [*budget_instructions(limit, price), *instructions]
        return MessageV0.try_compile(self._signer().pubkey, whole, [], lifetime.blockhash)

    async def _screen(self, message: MessageV0, bounds: TableBounds, reached: int) -> None:
        """The exact message simulated, and held to what it may do. Raises SimulationFailed and what `prove` raises."""
        watched = [bounds.wallet, bounds.table]

        async def simulate() -> Simulation:
            return _sound(await self._nodes[0].simulate(unsigned_wire(message), accounts=watched, min_context_slot=reached))

        def hold(evidence: Evidence) -> None:
            screen_table_change(message, bounds, self._screening, evidence)

        before = (await self._reader.get_accounts(watched, min_context_slot=reached)).accounts
        await prove(self._reader, simulate, hold, watched, before, reached)

    async def _followed(self, attempt: Attempt) -> Verdict:
        assert attempt.signature is not None
        until_ms = self._clock.monotonic_ms() + self._wait_ms
        verdict = await self._landing.follow(attempt, until_ms=until_ms, sending=True, still_ours=_always)
        if verdict is None:
            raise OutcomeUnknown(
                f"transaction {attempt.signature} on a lookup table was sent and is neither confirmed nor proven dead yet; nothing "
                "new is signed for lookup tables before its end is known. `dex orders resume` finds out",
                signature=attempt.signature,
                remark=self._landing.remark(attempt.signature),
            )
        ended = "" if isinstance(verdict, ExpiryProof) else json.dumps({"slot": verdict.slot})
        await self._notes.replace_note(self._name(), _remembered(attempt), ended)  # unless another process saw the end first
        return verdict


def _sound(simulated: Simulation) -> Simulation:
    """Raises SimulationFailed."""
    if simulated.error is not None:
        raise SimulationFailed(
            f"the transaction failed in simulation at slot {simulated.slot}; nothing was sent. "
            f"{failure_cause(simulated.error, simulated.logs)}",
            error=simulated.error.raw,
            logs=list(simulated.logs[-8:]),
        )
    return simulated


def _landed(attempt: Attempt, verdict: Verdict) -> LandedTransaction:
    """Raises AttemptExpired, LandedWithError."""
    if isinstance(verdict, ExpiryProof):
        raise AttemptExpired(f"transaction {attempt.signature} expired and will never land; try again", signature=attempt.signature)
    if verdict.error is not None:
        raise LandedWithError(
            f"transaction {attempt.signature} landed at slot {verdict.slot} with an error: "
            f"{failure_cause(verdict.error, verdict.logs)}",
            signature=attempt.signature,
            error=verdict.error.raw,
        )
    return verdict


def _attempt(
    message: MessageV0,
    signature: Signature,
    wire: bytes,
    last_valid_block_height: int,
    blockhash_slot: int | None,
    created_ms: int,
) -> Attempt:
    return Attempt(
        id=str(signature),
        order_id="",
        number=1,
        fencing=0,
        message=to_bytes_versioned(message),
        blockhash=str(message.recent_blockhash),
        last_valid_block_height=last_valid_block_height,
        blockhash_slot=blockhash_slot,
        created_ms=created_ms,
        signature=str(signature),
        wire=wire,
    )


def _remembered(attempt: Attempt) -> str:
    assert attempt.wire is not None
    facts = {
        "wire": base64.b64encode(attempt.wire).decode(),
        "last_valid_block_height": attempt.last_valid_block_height,
        "signed_ms": attempt.created_ms,
    }
    if attempt.blockhash_slot is not None:
        facts["blockhash_slot"] = attempt.blockhash_slot
    return json.dumps(facts, sort_keys=True)


def _recalled(noted: str) -> Attempt | int:
    """What is under way, or the slot where the last one landed. Raises DatabaseError for a note that is none of ours."""
    try:
        facts: dict[str, Any] = json.loads(noted)
        if "slot" in facts:
            return int(facts["slot"])
        wire = base64.b64decode(facts["wire"], validate=True)
        transaction = VersionedTransaction.from_bytes(wire)
        message, (signature,) = transaction.message, transaction.signatures
        if not isinstance(message, MessageV0) or not signature.verify(message.account_keys[0], to_bytes_versioned(message)):
            raise ValueError("no signature of this message")
        slot = int(facts["blockhash_slot"]) if "blockhash_slot" in facts else None
        return _attempt(message, signature, wire, int(facts["last_valid_block_height"]), slot, int(facts["signed_ms"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DatabaseError(
            f"the journal's note of a transaction under way is damaged ({error}); restore the journal from a backup"
        ) from None


async def _always() -> bool:
    return True
