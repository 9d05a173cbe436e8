"""The program's IDL: instructions from it, and through anchorpy account and event coders. anchorpy loads slowly, so with its first
use only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.errors import InvalidAmount

if TYPE_CHECKING:
    from anchorpy.coder.coder import Coder
    from anchorpy_core.idl import Idl

_WIDTHS: Final = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16}
IDL_PATH: Final = Path(__file__).with_name("program") / "dexroute_pool.json"


@cache
def idl() -> Idl:
    """The parsed IDL, in the form anchorpy reads; Anchor 0.30's is programs/pool/idl/dexroute_pool.json."""
    from anchorpy_core.idl import Idl

    return Idl.from_json(IDL_PATH.read_text())


@cache
def coder() -> Coder:
    """Encodes and decodes everything the IDL names."""
    from anchorpy.coder.coder import Coder

    return Coder(idl())


def build_instruction(name: str, arguments: Mapping[str, int], accounts: Mapping[str, Pubkey], program_id: Pubkey) -> Instruction:
    """One instruction; signer and writable flags, and the widths of its arguments (integers all), come from the IDL. Without
    anchorpy, because quotes build swaps to know how large they are; a test holds the two equal.

    Raises InvalidAmount when an argument does not fit its type, KeyError when an account the IDL lists is not given.
    """
    entry = _instructions()[name]
    payload = discriminator(name)
    try:
        for argument in entry["args"]:
            payload += arguments[argument["name"]].to_bytes(_WIDTHS[argument["type"]], "little")
    except OverflowError as error:
        given = ", ".join(f"{key} {value}" for key, value in arguments.items())
        raise InvalidAmount(f"{name}: {given}: a value does not fit the width the program reads", instruction=name) from error
    metas = [AccountMeta(accounts[one["name"]], one["isSigner"], one["isMut"]) for one in entry["accounts"]]
    return Instruction(program_id, payload, metas)


def discriminator(name: str) -> bytes:
    """The first 8 bytes of this instruction's data."""
    return sha256(f"global:{name}".encode()).digest()[:8]


def account_names(name: str) -> list[str]:
    """The accounts of this instruction, in its order."""
    return [entry["name"] for entry in _instructions()[name]["accounts"]]


@cache
def _instructions() -> dict[str, Any]:
    return {entry["name"]: entry for entry in json.loads(IDL_PATH.read_text())["instructions"]}
