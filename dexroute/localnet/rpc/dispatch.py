"""JSON-RPC 2.0: requests, notifications, batches, and the errors of the envelope."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, Final

from dexroute.errors import DexError
from dexroute.localnet.bank import Bank
from dexroute.localnet.genesis import Genesis
from dexroute.localnet.rpc import accounts, chain, history, submit, tokens
from dexroute.localnet.rpc.failure import INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcFailure, invalid_params
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Params

Method = Callable[[Node, Params], Any]
METHODS: Final[dict[str, Method]] = {
    **accounts.METHODS,
    **chain.METHODS,
    **history.METHODS,
    **submit.METHODS,
    **tokens.METHODS,
}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_log = logging.getLogger(__name__)


class Dispatcher:
    """Answers JSON-RPC bodies. `extra` are further methods, for connections that have more (subscriptions)."""

    def __init__(self, bank: Bank, genesis: Genesis) -> None:
        self.node = Node(bank=bank, genesis=genesis)

    def answer(self, body: bytes | str, extra: dict[str, Method] | None = None) -> bytes | None:
        """The response body; None when there is nothing to answer (notifications only). Never raises for what a caller sent."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return _written(_failed(None, RpcFailure(PARSE_ERROR, "Parse error")))
        methods = METHODS if extra is None else {**METHODS, **extra}
        if isinstance(request, list):
            if not request:
                return _written(_failed(None, RpcFailure(INVALID_REQUEST, "Invalid Request")))
            answers = [answer for item in request if (answer := self._one(item, methods)) is not None]
            return _written(answers) if answers else None
        answer = self._one(request, methods)
        return None if answer is None else _written(answer)

    def _one(self, request: Any, methods: dict[str, Method]) -> dict[str, Any] | None:
        identity = request.get("id") if isinstance(request, dict) else None
        try:
            result = self._called(request, methods)
        except RpcFailure as failure:
            answer = _failed(identity, failure)
        except DexError as error:
            answer = _failed(identity, RpcFailure(INTERNAL_ERROR, error.message))
        except Exception:
            _log.exception("embedded cluster failed on %s", request)
            answer = _failed(identity, RpcFailure(INTERNAL_ERROR, "Internal error"))
        else:
            answer = {"jsonrpc": "2.0", "result": result, "id": identity}
        is_notification = isinstance(request, dict) and "id" not in request and "method" in request
        return None if is_notification else answer

    def _called(self, request: Any, methods: dict[str, Method]) -> Any:
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0" or not isinstance(request.get("method"), str):
            raise RpcFailure(INVALID_REQUEST, "Invalid Request")
        method = methods.get(request["method"])
        if method is None:
            raise RpcFailure(METHOD_NOT_FOUND, "Method not found")
        values = request.get("params")
        if values is not None and not isinstance(values, list):
            raise invalid_params("Invalid params: expected an array of parameters.")
        return method(self.node, Params(values or []))


def _failed(identity: Any, failure: RpcFailure) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": failure.to_json(), "id": identity}


def _written(answer: Any) -> bytes:
    return _ENCODER.encode(answer).encode()
