"""The program's IDL through anchorpy: account, event and instruction coders. anchorpy loads slowly, so with its first use only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from dexroute.errors import InvalidAmount

if TYPE_CHECKING:
    from anchorpy.coder.coder import Coder
    from anchorpy_core.idl import Idl

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
    """One instruction; signer and writable flags come from the IDL.

    Raises InvalidAmount when an argument does not fit its type, KeyError when an account the IDL lists is not given.
    """
    from construct import ConstructError

    (entry,) = (candidate for candidate in idl().instructions if candidate.name == name)
    try:
        payload = coder().instruction.encode(name, dict(arguments))
    except ConstructError as error:
        given = ", ".join(f"{key} {value}" for key, value in arguments.items())
        raise InvalidAmount(f"{name}: {given}: a value does not fit the width the program reads", instruction=name) from error
    metas = [_meta(account, accounts) for account in entry.accounts]
    return Instruction(program_id, payload, metas)


def _meta(account: Any, accounts: Mapping[str, Pubkey]) -> AccountMeta:
    return AccountMeta(accounts[account.name], is_signer=account.is_signer, is_writable=account.is_mut)
