"""Pools of other venues as they were recorded, so that a cluster without those programs has something to quote.

The files beside this one were made by running the venues' programs on pools of our own. Format 1: gzip of UTF-8 JSON with `venue`,
`name`, `program_id`, `pool`, `clock` {slot, epoch, unix_timestamp} and `accounts` [{pubkey, owner, lamports, data (base64)}];
integers that may exceed 2^53 are decimal strings. What else a file holds (the recorded swaps) is for tests.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.errors import ConfigError
from dexroute.localnet.cluster import EmbeddedCluster
from dexroute.types.accounts import AccountData, ChainClock

_MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPool:
    """One pool with every account a quote needs, and the cluster clock they were read at."""

    venue: str
    name: str
    program_id: Pubkey
    pool: Pubkey
    clock: ChainClock
    accounts: Mapping[Pubkey, AccountData]


def read_recorded(path: Path) -> RecordedPool:
    """The pool in a file. Raises ConfigError naming it."""
    try:
        with gzip.open(path) as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        document = json.loads(raw)
        if document.get("format") != 1:
            raise ValueError(f"format {document.get('format')!r} instead of 1")
        return _recorded(document)
    except (OSError, EOFError, zlib.error, KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise ConfigError(f"recorded pool {path} cannot be read: {error!r}", path=str(path)) from error


def recorded_pools() -> tuple[RecordedPool, ...]:
    """The pools shipped with dexroute, by file name."""
    return tuple(read_recorded(path) for path in sorted(Path(__file__).parent.glob("*.json.gz")))


def place_recorded(cluster: EmbeddedCluster, recorded: RecordedPool) -> None:
    """Put a recorded pool's accounts on a cluster; accounts the cluster already has (a mint two pools share) stay as they are."""
    absent = {address: account for address, account in recorded.accounts.items() if cluster.bank.account(address) is None}
    cluster.set_accounts(absent)


def _recorded(document: dict[str, Any]) -> RecordedPool:
    clock = document["clock"]
    return RecordedPool(
        venue=str(document["venue"]),
        name=str(document["name"]),
        program_id=Pubkey.from_string(document["program_id"]),
        pool=Pubkey.from_string(document["pool"]),
        clock=ChainClock(slot=int(clock["slot"]), epoch=int(clock["epoch"]), unix_timestamp=int(clock["unix_timestamp"])),
        accounts={
            Pubkey.from_string(item["pubkey"]): AccountData(
                owner=Pubkey.from_string(item["owner"]),
                lamports=int(item["lamports"]),
                data=base64.b64decode(item["data"], validate=True),
            )
            for item in document["accounts"]
        },
    )
