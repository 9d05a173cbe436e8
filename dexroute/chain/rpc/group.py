"""Several endpoints of one cluster as one: each question goes to the best, and on to the next where that fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from dexroute.chain.rpc.endpoint import JsonRpcEndpoint
from dexroute.chain.rpc.failures import lagging, none_helps, others_may_do_better
from dexroute.chain.rpc.fields import Field
from dexroute.errors import NetworkError, RpcError

MOST_LAG_SLOTS: Final = 25  # about ten seconds behind the others
_BETTER: Final = 0.5  # another endpoint must cost half of the present one before reads move over


class Endpoint(Protocol):
    """What answers JSON-RPC calls: one endpoint, or several."""

    @property
    def name(self) -> str: ...

    @property
    def latency_ms(self) -> int | None: ...

    async def call(self, method: str, params: list[Any], *, min_slot: int | None = None) -> Field:
        """The answer's `result`, from a node that has not been seen behind `min_slot`. Raises NetworkError."""
        ...

    async def aclose(self) -> None: ...


class EndpointGroup:
    """Reads from the endpoint that costs least (latency, failures, the wait it asked for), staying with one while it is good:
    one node's answers fit each other best. One that lags is left alone while another does not."""

    def __init__(self, endpoints: Sequence[JsonRpcEndpoint]) -> None:
        assert endpoints
        self.endpoints = tuple(endpoints)
        self._present = self.endpoints[0]

    def __repr__(self) -> str:
        return f"EndpointGroup({self.name})"

    @property
    def name(self) -> str:
        others = len(self.endpoints) - 1
        return self._present.name + (f" (of {others + 1} endpoints)" if others else "")

    @property
    def latency_ms(self) -> int | None:
        return self._present.latency_ms

    async def aclose(self) -> None:
        for endpoint in self.endpoints:
            await endpoint.aclose()

    async def call(self, method: str, params: list[Any], *, min_slot: int | None = None) -> Field:
        """The first answer. When none answers, raises the best-placed endpoint's error with what became of the others, without
        asking the same one twice."""
        failures: list[NetworkError] = []
        for endpoint in self._ranked(min_slot):
            try:
                answer = await endpoint.call(method, params, min_slot=min_slot)
            except NetworkError as error:
                if isinstance(error, RpcError) and not others_may_do_better(error):
                    raise
                failures.append(error)
                continue
            self._present = endpoint
            return answer
        raise none_helps(failures)

    def _ranked(self, min_slot: int | None) -> list[JsonRpcEndpoint]:
        if len(self.endpoints) == 1:
            return list(self.endpoints)
        newest = max((slot for slot in (endpoint.health.slot() for endpoint in self.endpoints) if slot is not None), default=0)
        needed = max(newest - MOST_LAG_SLOTS, min_slot or 0)

        def rank(endpoint: JsonRpcEndpoint) -> tuple[bool, float]:
            slot = endpoint.health.slot()
            cost = endpoint.health.cost_ms() + endpoint.bucket.wait_ms()
            return slot is not None and slot < needed, cost * (_BETTER if endpoint is self._present else 1)

        return sorted(self.endpoints, key=rank)


def require_slot(method: str, endpoint: str, slot: int, needed: int | None) -> None:
    """Raises StaleData for an answer from before `needed`. Not every server knows minContextSlot; what it answered counts."""
    if needed is not None and slot < needed:
        raise lagging(method, endpoint, slot, needed)
