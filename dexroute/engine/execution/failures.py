"""Errors into the journal and back out of it."""

from __future__ import annotations

import json
from typing import Any, Final

from dexroute.errors import DecodeError, DexError
from dexroute.types.orders import Failure, Order


def failure_of(error: DexError) -> Failure:
    """What the journal keeps of an error."""
    context: dict[str, Any] = json.loads(json.dumps(error.context, default=str))
    return Failure(code=error.code, message=error.message, context=context)


def error_of(order: Order) -> DexError:
    """The error a FAILED order ended with, of its own class and exit code, with the order's id in its context."""
    failure = order.failure or Failure(code=DexError.code, message=f"order {order.id} is {order.state} without a recorded reason")
    kind = _BY_CODE.get(failure.code, DexError)
    context = {**failure.context, "order": order.id}
    if issubclass(kind, DecodeError):
        return kind(failure.message, pool=str(context.pop("pool", "")), field=str(context.pop("field", "")), **context)
    return kind(failure.message, **context)


def _tree(kind: type[DexError]) -> list[type[DexError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]


_BY_CODE: Final = {kind.code: kind for kind in _tree(DexError)}
