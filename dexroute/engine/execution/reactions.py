"""What an error asks of an order nothing was signed for: end it, look at the market again, or ask again after a while."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from dexroute.errors import (
    DexError,
    NetworkError,
    OutcomeUnknown,
    PolicyRefused,
    SimulationFailed,
    SlippageExceeded,
    SnapshotRefused,
)
from dexroute.types.program_errors import ErrorClass


class Reaction(StrEnum):
    PERMANENT = "permanent"  # the same order fails for ever: end it
    REQUOTE = "requote"  # the market moved on: route again, within the order's limit
    REBUILD = "rebuild"  # accounts moved on: route and build again
    TRANSIENT = "transient"  # the network gave no answer: ask again
    AMBIGUOUS = "ambiguous"  # sent bytes may land: follow them, sign nothing


_BY_CLASS: Final = {
    ErrorClass.REQUOTE: Reaction.REQUOTE,
    ErrorClass.EXCLUDE_POOL: Reaction.REQUOTE,
    ErrorClass.REBUILD: Reaction.REBUILD,
    ErrorClass.TRANSIENT: Reaction.REBUILD,  # what the cluster was too busy for is built anew, on a fresh blockhash
    ErrorClass.PERMANENT: Reaction.PERMANENT,
}

ROUTE_AGAIN: Final = (Reaction.REQUOTE, Reaction.REBUILD)


def reaction_to(error: DexError) -> Reaction:
    """By the error's place in the tree, and for a failed simulation by what the program's own error means (`dex explain`). A code
    nobody knows is taken for a moved market: that ends too, after a few routes."""
    if isinstance(error, OutcomeUnknown):
        return Reaction.AMBIGUOUS
    if isinstance(error, (NetworkError, SnapshotRefused)):
        return Reaction.PERMANENT if error.context.get("unsupported") else Reaction.TRANSIENT
    if isinstance(error, SlippageExceeded):
        return Reaction.REQUOTE
    if isinstance(error, PolicyRefused) and error.context.get("rule") == "balance":
        # Another order of the wallet may lie between what was read and what was simulated. planning/proving.py settles that where
        # one node answers both; behind one address there may be many. Nothing is signed, and it is looked at again.
        return Reaction.REBUILD
    if isinstance(error, SimulationFailed):
        known = error.context.get("error_class")
        return Reaction.REQUOTE if known is None else _BY_CLASS[ErrorClass(known)]
    return Reaction.PERMANENT


def backoff_ms(first_ms: int, tries: int, random: Callable[[], float]) -> int:
    """How long to wait before try number `tries` + 1: doubling, and by chance down to half of that, so that many callers do not
    come back at once. `random` gives numbers from 0 to 1."""
    return int((first_ms << min(tries - 1, 16)) * (1 + random()) / 2)
