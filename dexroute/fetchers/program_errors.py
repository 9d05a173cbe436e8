"""The dictionary of error codes: every venue's, the programs they call, the runtime's; and what a failed transaction's log says.

A venue's codes are the `ERRORS` of `error_codes.py` in its folder; they are found there, so a new venue is still one folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from solders.pubkey import Pubkey

from dexroute.types.program_errors import ProgramError

_VENUE_MODULE = "error_codes"
_ANCHOR = "anchor"
_FIRST_OWN_ANCHOR_CODE = 6000  # an Anchor program counts its own codes from here; those below are the framework's


@cache
def all_errors() -> tuple[ProgramError, ...]:
    """Every error known, venue by venue, then those of Solana's own programs and of the runtime."""
    from dexroute import fetchers
    from dexroute.fetchers.solana_errors import anchor, runtime, system, token

    venues: list[ProgramError] = []
    for module in pkgutil.walk_packages(fetchers.__path__, f"{fetchers.__name__}."):
        if module.name.endswith(f".{_VENUE_MODULE}"):
            venues.extend(importlib.import_module(module.name).ERRORS)
    return (*venues, *anchor.ERRORS, *token.ERRORS, *system.ERRORS, *runtime.ERRORS)


@cache
def programs() -> tuple[str, ...]:
    """The programs of the dictionary, in its order."""
    return tuple(dict.fromkeys(error.program for error in all_errors()))


def program_named(text: str) -> str | None:
    """The program of the dictionary a person means by its name or its address, None when there is none."""
    if text in programs():
        return text
    return next((error.program for error in all_errors() if text in map(str, error.program_ids)), None)


def find_errors(*, code: int | None = None, name: str | None = None, program: str | None = None) -> tuple[ProgramError, ...]:
    """Errors with this code and this name (letter case aside), of one program or of all. Codes mean something else in every
    program, and may in two editions of one: several answers are several possibilities.

    An Anchor program answers with the framework's codes as well: asked for one program, those count as its own.
    """
    found = tuple(
        error
        for error in all_errors()
        if (program is None or error.program == program)
        and (code is None or error.code == code)
        and (name is None or error.name.lower() == name.lower())
    )
    if not found and program is not None and _is_anchor(program):
        return find_errors(code=code, name=name, program=_ANCHOR)
    return found


def program_at(program_id: Pubkey) -> str | None:
    """The program of the dictionary that runs at an address."""
    return next((error.program for error in all_errors() if program_id in error.program_ids), None)


@cache
def _is_anchor(program: str) -> bool:
    codes = [error.code for error in all_errors() if error.program == program and error.code is not None]
    return program != "dexroute-pool" and bool(codes) and min(codes) >= _FIRST_OWN_ANCHOR_CODE
