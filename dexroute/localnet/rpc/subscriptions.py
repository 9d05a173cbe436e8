"""What a WebSocket connection has asked to be told, and what there is to tell it.

A subscription is asked what is due; it never pushes. So it needs no lock, and a slow connection skips intermediate states of an
account as it would on a cluster. Shapes: agave rpc-pubsub and rpc_subscriptions.rs.
"""

from __future__ import annotations

from typing import Any, ClassVar

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.bank import Landing
from dexroute.localnet.rpc.accounts import Filter
from dexroute.localnet.rpc.encoding import AccountEncoding
from dexroute.localnet.rpc.node import Node
from dexroute.types.chain import Commitment

_MAX_SLOTS_AT_ONCE = 64


class Subscription:
    """One subscription. `finished` ones are forgotten after what was due is told."""

    notification: ClassVar[str]
    finished = False

    def due(self, node: Node) -> list[Any]:
        """Results to notify, oldest first."""
        raise NotImplementedError


class FeedSubscription(Subscription):
    """Follows what lands, at one commitment."""

    def __init__(self, node: Node, commitment: Commitment) -> None:
        self.commitment = commitment
        self._told = node.bank.transaction_count

    def landed(self, node: Node) -> list[Landing]:
        """What became visible since the last call."""
        slot = node.bank.clock.at(self.commitment).slot
        fresh = [item for item in node.bank.landings_after(self._told) if item.record.slot <= slot]
        if fresh:
            self._told = fresh[-1].record.position
        return fresh


class AccountSubscription(Subscription):
    notification = "accountNotification"

    def __init__(self, node: Node, address: Pubkey, commitment: Commitment, encoding: AccountEncoding) -> None:
        self._address, self._commitment, self._encoding = address, commitment, encoding
        self._last = node.bank.account(address, node.bank.clock.at(commitment).slot)

    def due(self, node: Node) -> list[Any]:
        moment = node.bank.clock.at(self._commitment)
        account = node.bank.account(self._address, moment.slot)
        if account == self._last:
            return []
        self._last = account
        # A closed account is told as an empty one.
        shown = account or StoredAccount(owner=SYSTEM_PROGRAM_ID, lamports=0, data=b"", rent_epoch=0)
        return [{"context": {"slot": moment.slot}, "value": self._encoding.account(shown, node.reader(moment))}]


class ProgramSubscription(FeedSubscription):
    notification = "programNotification"

    def __init__(
        self, node: Node, program_id: Pubkey, commitment: Commitment, encoding: AccountEncoding, filters: list[Filter]
    ) -> None:
        super().__init__(node, commitment)
        self._program_id, self._encoding, self._filters = program_id, encoding, filters

    def due(self, node: Node) -> list[Any]:
        moment = node.bank.clock.at(self.commitment)
        written = {address: None for landing in self.landed(node) for address in sorted(landing.written, key=str)}
        results = []
        for address in written:
            account = node.bank.account(address, moment.slot)
            if account is None or account.owner != self._program_id or not all(keep(account) for keep in self._filters):
                continue
            value = {"pubkey": str(address), "account": self._encoding.account(account, node.reader(moment))}
            results.append({"context": {"slot": moment.slot}, "value": value})
        return results


class LogsSubscription(FeedSubscription):
    notification = "logsNotification"

    def __init__(self, node: Node, commitment: Commitment, mentions: Pubkey | None) -> None:
        super().__init__(node, commitment)
        self._mentions = mentions

    def due(self, node: Node) -> list[Any]:
        return [
            {
                "context": {"slot": record.slot},
                "value": {"signature": str(record.signature), "err": record.error, "logs": record.meta["logMessages"]},
            }
            for record in (landing.record for landing in self.landed(node))
            if self._mentions is None or self._mentions in record.mentions
        ]


class SignatureSubscription(Subscription):
    notification = "signatureNotification"

    def __init__(self, signature: Signature, commitment: Commitment, *, tell_received: bool) -> None:
        self._signature, self._commitment, self._tell_received = signature, commitment, tell_received

    def due(self, node: Node) -> list[Any]:
        record = node.bank.ledger.transaction(self._signature)
        if record is None:
            return []
        results: list[Any] = []
        if self._tell_received:
            self._tell_received = False
            results.append({"context": {"slot": record.slot}, "value": "receivedSignature"})
        moment = node.bank.clock.at(self._commitment)
        if record.slot <= moment.slot:
            self.finished = True
            results.append({"context": {"slot": moment.slot}, "value": {"err": record.error}})
        return results


class SlotSubscription(Subscription):
    notification = "slotNotification"

    def __init__(self, node: Node) -> None:
        self._told = node.bank.clock.tip().height

    def due(self, node: Node) -> list[Any]:
        clock = node.bank.clock
        tip = clock.tip().height
        first = max(self._told, tip - _MAX_SLOTS_AT_ONCE) + 1
        self._told = tip
        root = clock.at(Commitment.FINALIZED).slot
        return [
            {"slot": clock.moment_of_height(height).slot, "parent": clock.moment_of_height(height - 1).slot, "root": root}
            for height in range(first, tip + 1)
        ]


class RootSubscription(Subscription):
    notification = "rootNotification"

    def __init__(self, node: Node) -> None:
        self._told = node.bank.clock.at(Commitment.FINALIZED).slot

    def due(self, node: Node) -> list[Any]:
        root = node.bank.clock.at(Commitment.FINALIZED).slot
        if root == self._told:
            return []
        self._told = root
        return [root]
