"""A journal restored from a backup has forgotten what it signed. Until the chain has told what became of that, nothing is signed;
and an order whose swap may be among it is for a person to decide."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.engine.execution.failpoints import Boundary, boundary
from dexroute.engine.execution.fills import wallet_changes
from dexroute.errors import JournalRestored, NetworkError, OrderInDoubt, StaleData
from dexroute.ports import OrderStore, TransactionSender
from dexroute.types.chain import Commitment
from dexroute.types.orders import Order
from dexroute.types.requests import SwapMode

RESTORED: Final = "restored"
"""The journal's note about it, JSON: `missing` signatures, `until_height` (the block height no lost bytes can land beyond), `over`
once that is finalized, `wallets`: per wallet the swaps in its history that the journal does not know, null where no node tells."""

# A blockhash lives 150 blocks; as many again for a node that is behind the one the lost bytes were made with.
_LOST_BYTES_LIVE_BLOCKS: Final = 300


class RestoreGuard:
    """Asked before an order is placed, and before anything is signed for it."""

    def __init__(self, store: OrderStore, senders: Sequence[TransactionSender]) -> None:
        self._store = store
        self._senders = senders
        self._clear = False

    async def is_clear(self) -> bool:
        """Whether the journal was not restored, or a person has accepted that. A restore is noticed when a journal is opened."""
        return await self._state() is None

    async def check(self, order: Order, *, is_new: bool) -> None:
        """Returns when the order may be signed for. Raises JournalRestored while lost bytes may still land; OrderInDoubt when one
        of the lost swaps may be this order's; NetworkError. A new order that names no idempotency key repeats none."""
        if (state := await self._state()) is None:
            return
        if not state.get("over"):
            await self._wait_out(state)
        wallets = state.setdefault("wallets", {})
        if str(order.wallet) not in wallets:
            wallets[str(order.wallet)] = await self._lost_swaps(order.wallet)
            await self._store.note(RESTORED, json.dumps(state))
        if not is_new or order.key != order.id:
            _check_lost(order, state, wallets[str(order.wallet)], is_new=is_new)

    async def _state(self) -> dict[str, Any] | None:
        """The note, read until there is none: none comes while this process alone holds the journal. One that others open too may
        be restored and noted by them at any time."""
        if self._clear:
            return None
        state = await read_restored(self._store)
        self._clear = state is None and not self._store.leased
        return state

    async def _wait_out(self, state: dict[str, Any]) -> None:
        if state.get("until_height") is None:
            state["until_height"] = max(await self._heights(Commitment.PROCESSED)) + _LOST_BYTES_LIVE_BLOCKS
            await self._store.note(RESTORED, json.dumps(state))
        finalized = min(await self._heights(Commitment.FINALIZED))
        if finalized <= state["until_height"]:
            raise JournalRestored(
                f"the journal was restored from a backup and lacks {state['missing']} signatures: nothing is signed before the "
                f"cluster has finalized block height {state['until_height']} (now {finalized}), after which none of them can land "
                "any more. Nothing was placed or signed; try again in a few minutes. `dex orders restored` tells more",
                missing=state["missing"],
                until_height=state["until_height"],
                finalized_height=finalized,
            )
        state["over"] = True

    async def _heights(self, commitment: Commitment) -> list[int]:
        heights, failure = [], None
        for node in self._senders:
            try:
                with boundary(Boundary.FINALITY):
                    heights.append((await node.block_height(commitment))[0])
            except NetworkError as error:
                failure = error
        if not heights:
            raise failure or StaleData("no node tells its block height")
        return heights

    async def _lost_swaps(self, wallet: Pubkey) -> list[dict[str, Any]] | None:
        """Finalized transactions the wallet paid for and the journal does not know, newest first, with what they moved; None where
        the node has no such history, or more of it than it tells at once before the first one known."""
        node = self._senders[0]
        try:
            history = await node.signatures_of(wallet)
        except NetworkError as error:
            if error.context.get("unsupported"):
                return None
            raise
        known = await self._store.known_signatures([entry.signature for entry in history])
        if len(history) >= 1_000 and not known:
            return None
        lost = []
        for entry in history:
            if entry.signature in known or entry.failed:
                continue
            with boundary(Boundary.FINALITY):
                landed = await node.transaction(Signature.from_string(entry.signature))
            if landed is None:
                return None
            if landed.account_keys[:1] == (wallet,):
                moved = {str(mint): str(change) for mint, change in wallet_changes(wallet, landed).items() if change}
                lost.append({"signature": entry.signature, "slot": entry.slot, "changes": moved})
        return lost


async def read_restored(store: OrderStore) -> dict[str, Any] | None:
    """The note about a restore nobody has accepted yet."""
    noted = await store.noted(RESTORED)
    found: dict[str, Any] | None = json.loads(noted) if noted else None
    return found


def _check_lost(order: Order, state: dict[str, Any], lost: list[dict[str, Any]] | None, *, is_new: bool) -> None:
    facts = {"order": order.id, "key": order.key, "missing": state["missing"], "wallet": str(order.wallet)}
    name, step = (f"the order for key {order.key!r}", "nothing is to be done") if is_new else (f"order {order.id}", "cancel it")
    if lost is None:
        raise OrderInDoubt(
            f"{name} may have been carried out before the journal was restored from a backup, and no node tells the whole history "
            f"of wallet {order.wallet}: look; if it was, {step}; if not, `dex orders restored --accept` and again",
            **facts,
        )
    for swap in lost:
        if _may_be(order, {mint: int(change) for mint, change in swap["changes"].items()}):
            raise OrderInDoubt(
                f"{name} may have been carried out before the journal was restored from a backup: transaction "
                f"{swap['signature']} of wallet {order.wallet} at slot {swap['slot']}, which the journal does not know, moved "
                f"{swap['changes']}. If that is it, {step}; if not, `dex orders restored --accept` and again",
                signature=swap["signature"],
                slot=swap["slot"],
                changes=swap["changes"],
                **facts,
            )


def _may_be(order: Order, changes: dict[str, int]) -> bool:
    """Whether a transaction moved what this order would: the amount asked for exactly (the programs see to that), of its tokens."""
    spent = -changes.get(str(order.request.input_mint), 0)
    received = changes.get(str(order.request.output_mint), 0)
    if order.request.mode is SwapMode.EXACT_IN:
        return spent == order.request.amount and received > 0
    return spent > 0 and order.request.amount <= received
