"""The subscription methods of one WebSocket connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from dexroute.localnet.rpc.accounts import read_filters
from dexroute.localnet.rpc.encoding import AccountEncoding
from dexroute.localnet.rpc.failure import invalid_params
from dexroute.localnet.rpc.node import Node
from dexroute.localnet.rpc.params import Params, pubkey
from dexroute.localnet.rpc.subscriptions import (
    AccountSubscription,
    LogsSubscription,
    ProgramSubscription,
    RootSubscription,
    SignatureSubscription,
    SlotSubscription,
    Subscription,
)

MAX_SUBSCRIPTIONS: Final = 1_000  # a connection


class PubSub:
    """Subscriptions by id. `methods` go to the dispatcher beside the plain ones; `due` is what to send now."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._subscriptions: dict[int, Subscription] = {}
        self._next_id = 0
        kinds = {
            "account": self._account,
            "logs": self._logs,
            "program": self._program,
            "root": lambda node, params: RootSubscription(node),
            "signature": self._signature,
            "slot": lambda node, params: SlotSubscription(node),
        }
        self.methods: dict[str, Callable[[Node, Params], Any]] = {
            **{f"{kind}Subscribe": self._subscriber(make) for kind, make in kinds.items()},
            **{f"{kind}Unsubscribe": self._unsubscribe for kind in kinds},
        }

    @property
    def is_idle(self) -> bool:
        return not self._subscriptions

    def due(self) -> list[str]:
        """Notifications, ready to send."""
        messages = []
        for identity, subscription in list(self._subscriptions.items()):
            for result in subscription.due(self._node):
                params = {"result": result, "subscription": identity}
                messages.append(json.dumps({"jsonrpc": "2.0", "method": subscription.notification, "params": params}))
            if subscription.finished:
                del self._subscriptions[identity]
        return messages

    def _subscriber(self, make: Callable[[Node, Params], Subscription]) -> Callable[[Node, Params], int]:
        def subscribe(node: Node, params: Params) -> int:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                raise invalid_params(f"Too many subscriptions on one connection; max {MAX_SUBSCRIPTIONS}")
            subscription = make(node, params)
            self._next_id += 1
            self._subscriptions[self._next_id] = subscription
            return self._next_id

        return subscribe

    def _unsubscribe(self, node: Node, params: Params) -> bool:
        identity = params.u64(0, "subscription")
        if self._subscriptions.pop(identity, None) is None and not 0 < identity <= self._next_id:
            raise invalid_params("Invalid subscription id.")
        return True

    def _account(self, node: Node, params: Params) -> Subscription:
        config = params.config(1)
        return AccountSubscription(node, params.pubkey(0), config.commitment(), AccountEncoding.of(config))

    def _program(self, node: Node, params: Params) -> Subscription:
        config = params.config(1)
        encoding, filters = AccountEncoding.of(config), read_filters(config)
        return ProgramSubscription(node, params.pubkey(0), config.commitment(), encoding, filters)

    def _logs(self, node: Node, params: Params) -> Subscription:
        wanted = params.required(0)
        commitment = params.config(1).commitment()
        if wanted in ("all", "allWithVotes"):
            return LogsSubscription(node, commitment, None)
        mentions = wanted.get("mentions") if isinstance(wanted, dict) else None
        if not isinstance(mentions, list) or len(mentions) != 1:
            raise invalid_params("Invalid Request: Only 1 address supported")
        return LogsSubscription(node, commitment, pubkey(mentions[0]))

    def _signature(self, node: Node, params: Params) -> Subscription:
        config = params.config(1)
        tell_received = config.flag("enableReceivedNotification")
        return SignatureSubscription(params.signature(0), config.commitment(), tell_received=tell_received)
