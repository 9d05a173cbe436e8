"""Swaps as the venues' real programs executed them: what this installation is measured against, by `dex selftest` and by the tests.

The files in the folders beside this one were made by running the venues' programs on pools of our own. Format 1, one pool state a
file: gzip of UTF-8 JSON with `venue`, `name`, `input` (what is special about the state), `program_id`, `program_sha256`, `pool`,
`clock` {slot, epoch, unix_timestamp}, `accounts` [{pubkey, owner, lamports, data (base64)}] and `swaps` [{mode, input_mint,
output_mint, amount, and either ok {amount_in, amount_out} or err {custom, text}}], each executed from exactly this state; integers
that may exceed 2^53 are decimal strings.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.requests import QuoteRequest, SwapMode

PACKAGED: Final = Path(__file__).parent
"""The recordings that ship with dexroute, a folder a venue."""

_MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSwap:
    """One executed swap: either what the user's balances did, or the program's refusal (`error_code` None: it panicked)."""

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
    """A pool with every account a quote needs at one moment, and swaps that were each executed from exactly there."""

    venue: str
    name: str
    note: str
    program_id: Pubkey
    program_sha256: str
    pool: Pubkey
    clock: ChainClock
    accounts: Mapping[Pubkey, AccountData]
    swaps: tuple[RecordedSwap, ...]

    @property
    def snapshot(self) -> AccountSnapshot:
        return AccountSnapshot(clock=self.clock, accounts=self.accounts)

    def __str__(self) -> str:
        return f"{self.venue}/{self.name}"


def recorded_files(root: Path) -> list[Path]:
    """The recordings under a folder, in the order of their names; a file given is the only one."""
    return [root] if root.is_file() else sorted(root.rglob("*.json.gz"))


def read_recorded(path: Path) -> RecordedState:
    """The state in a file. Raises ConfigError naming it."""
    try:
        with gzip.open(path) as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        document = json.loads(raw)
        if document.get("format") != 1:
            raise ValueError(f"format {document.get('format')!r} instead of 1")
        return _state(document)
    except (
        OSError,
        EOFError,
        zlib.error,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
        binascii.Error,
    ) as error:
        raise ConfigError(f"recording {path} cannot be read: {error!r}; is it a recording of format 1?", path=str(path)) from error


def _state(document: dict[str, Any]) -> RecordedState:
    clock = document["clock"]
    return RecordedState(
        venue=str(document["venue"]),
        name=str(document["name"]),
        note=str(document["input"]),
        program_id=Pubkey.from_string(document["program_id"]),
        program_sha256=str(document["program_sha256"]),
        pool=Pubkey.from_string(document["pool"]),
        clock=ChainClock(slot=int(clock["slot"]), epoch=int(clock["epoch"]), unix_timestamp=int(clock["unix_timestamp"])),
        accounts={Pubkey.from_string(item["pubkey"]): _account(item) for item in document["accounts"]},
        swaps=tuple(_swaps(document["swaps"])),
    )


def _account(item: dict[str, Any]) -> AccountData:
    return AccountData(
        owner=Pubkey.from_string(item["owner"]),
        lamports=int(item["lamports"]),
        data=base64.b64decode(item["data"], validate=True),
    )


def _swaps(items: list[dict[str, Any]]) -> Iterator[RecordedSwap]:
    for item in items:
        ok, refused = item.get("ok"), item.get("err")
        if (ok is None) == (refused is None):
            raise ValueError("a swap neither executed nor refused, or both")
        yield RecordedSwap(
            request=QuoteRequest(
                input_mint=Pubkey.from_string(item["input_mint"]),
                output_mint=Pubkey.from_string(item["output_mint"]),
                amount=int(item["amount"]),
                mode=SwapMode(item["mode"]),
            ),
            amount_in=int(ok["amount_in"]) if ok else None,
            amount_out=int(ok["amount_out"]) if ok else None,
            error_code=refused["custom"] if refused else None,
            error_text=str(refused["text"]) if refused else None,
        )
