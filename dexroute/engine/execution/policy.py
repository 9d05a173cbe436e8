"""How patient the executor is. None of these numbers decides what happened: only the chain does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPolicy:
    """`max_attempts` signed transactions per order (one alive at a time) and `max_routings` routes looked for between two of them;
    `wait_ms` is how long a caller waits for the truth before OutcomeUnknown. The same bytes are sent every `resend_ms`, their
    status is asked every `poll_ms`. A question the network fails to answer is asked `network_tries` times, `backoff_ms` apart
    and doubling (less by chance); then an unsigned order is left for later, or given up by the caller that has just placed it. A
    worker that is silent for `lease_ms` of the database's time has lost its orders to the others, and one that is provably dead at
    once (looked for every `dead_ms`); what landed is looked at again every `settle_ms` until it is final: what the cluster has
    finalized since, and all of it every `settle_all_ms`."""

    max_attempts: int = 3
    max_routings: int = 5
    wait_ms: int = 120_000
    resend_ms: int = 1_500
    poll_ms: int = 400
    network_tries: int = 4
    backoff_ms: int = 500
    recovery_at_once: int = 8
    lease_ms: int = 30_000
    dead_ms: int = 500
    settle_ms: int = 10_000
    settle_all_ms: int = 30_000
