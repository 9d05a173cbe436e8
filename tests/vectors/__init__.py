"""Swaps executed by the venues' real programs, recorded in format 1 (one gzipped JSON file per pool state).

Our own recordings stand beside this file. `DEXROUTE_VECTORS`, or `../shared/vectors` beside the repository when it is
there, names a further folder: its states are read too, those of public pools (`mainnet-*`) included, which are not ours to copy.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.requests import QuoteRequest, SwapMode

_HERE = Path(__file__).parent
_SHARED = _HERE.parents[2] / "shared" / "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSwap:
    """One executed swap: either what the user's balances did, or the program's refusal (code None: it panicked)."""

    request: QuoteRequest
    amount_in: int | None
    amount_out: int | None
    error_code: int | None
    error_text: str | None

    @property
    def succeeded(self) -> bool:
        return self.error_text is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedState:
    """A pool's accounts at one moment, and swaps that were each executed from exactly there."""

    venue: str
    name: str
    note: str
    pool: Pubkey
    snapshot: AccountSnapshot
    swaps: tuple[RecordedSwap, ...]
    program_sha256: str

    def __str__(self) -> str:
        return f"{self.venue}/{self.name}"


@cache
def load_states(venue: str) -> tuple[RecordedState, ...]:
    """Every recorded state of a venue, our own first. Raises LookupError when there is none: a venue without proof is a defect."""
    states: dict[bytes, RecordedState] = {}
    for root in _roots():
        for path in sorted((root / venue).glob("*.json.gz")):
            content = path.read_bytes()
            # The same recording may lie in both folders; another one of the same name counts beside it.
            if content not in states:
                states[content] = _load(path, content)
    if not states:
        raise LookupError(f"no recorded states for {venue} under {', '.join(map(str, _roots()))}")
    return tuple(states.values())


def state_named(venue: str, name: str) -> RecordedState:
    """One recorded state. Raises LookupError."""
    for state in load_states(venue):
        if state.name == name:
            return state
    raise LookupError(f"no recorded state {name} of {venue}")


def _roots() -> list[Path]:
    named = os.environ.get("DEXROUTE_VECTORS")
    return [_HERE, Path(named)] if named else [_HERE, _SHARED]


def _load(path: Path, content: bytes) -> RecordedState:
    document = json.loads(gzip.decompress(content))
    if document["format"] != 1:
        raise ValueError(f"{path}: format {document['format']}, this loader reads 1")
    clock = document["clock"]
    return RecordedState(
        venue=document["venue"],
        name=document["name"],
        note=document["input"],
        pool=Pubkey.from_string(document["pool"]),
        snapshot=AccountSnapshot(
            clock=ChainClock(slot=int(clock["slot"]), epoch=int(clock["epoch"]), unix_timestamp=int(clock["unix_timestamp"])),
            accounts={Pubkey.from_string(entry["pubkey"]): _account(entry) for entry in document["accounts"]},
        ),
        swaps=tuple(_swaps(document["swaps"])),
        program_sha256=document["program_sha256"],
    )


def _account(entry: dict[str, Any]) -> AccountData:
    return AccountData(
        owner=Pubkey.from_string(entry["owner"]), lamports=int(entry["lamports"]), data=base64.b64decode(entry["data"])
    )


def _swaps(entries: list[dict[str, Any]]) -> Iterator[RecordedSwap]:
    for entry in entries:
        ok, err = entry.get("ok"), entry.get("err")
        yield RecordedSwap(
            request=QuoteRequest(
                input_mint=Pubkey.from_string(entry["input_mint"]),
                output_mint=Pubkey.from_string(entry["output_mint"]),
                amount=int(entry["amount"]),
                mode=SwapMode(entry["mode"]),
            ),
            amount_in=int(ok["amount_in"]) if ok else None,
            amount_out=int(ok["amount_out"]) if ok else None,
            error_code=err["custom"] if err else None,
            error_text=err["text"] if err else None,
        )
