"""What an error code means, and why a transaction failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from solders.signature import Signature

from dexroute import errors
from dexroute.config import Settings
from dexroute.errors import DexError, UsageError
from dexroute.fetchers.failures import FailureCause, failure_cause
from dexroute.fetchers.program_errors import all_errors, find_errors, program_named, programs
from dexroute.math.rounding import U32_MAX
from dexroute.sdk.connection import connect
from dexroute.types.chain import LandedTransaction
from dexroute.types.program_errors import ErrorClass, ProgramError

_SIGNATURE_LENGTHS = range(64, 89)  # base58 characters of 64 bytes
_DEXROUTE: Final = "dexroute"
_DRAWN: Final = re.compile(r"── (\w+) +(.+?)(?: +exit \d)?$", re.MULTILINE)
# By exit code: what an error of dexroute's own asks for, and the next step. Messages say it with their numbers.
_OWN_STEPS: Final = {
    2: (ErrorClass.PERMANENT, "change the command as the message says"),
    3: (ErrorClass.REQUOTE, "the message lists what was tried: change the amount, or allow more venues, pools or hops"),
    4: (ErrorClass.REQUOTE, "change the limit or the amount, or take a new quote"),
    5: (ErrorClass.TRANSIENT, "try again; `dex orders resume` takes up an order that was already sent"),
    6: (ErrorClass.REQUOTE, "fees were paid and nothing was swapped: take a new quote"),
    7: (ErrorClass.REQUOTE, "nothing was spent: swap again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTransaction:
    """A landed transaction, and what made it fail (None: it succeeded)."""

    signature: Signature
    landed: LandedTransaction
    cause: FailureCause | None


def signature_in(text: str) -> Signature | None:
    """The transaction signature a person may mean."""
    if len(text) not in _SIGNATURE_LENGTHS:
        return None
    try:
        return Signature.from_string(text)
    except ValueError:
        return None


def explain_code(text: str, *, program: str | None = None) -> tuple[ProgramError, ...]:
    """Every error with this code (decimal, or hexadecimal with 0x) or name, in all programs or in the one named by venue id, name
    or address; also the codes of dexroute's own errors. Raises UsageError when there is none."""
    own = tuple(error for error in own_errors() if error.name == text.upper()) if program in (None, _DEXROUTE) else ()
    if own:
        return own
    known = None
    if program is not None:
        known = program_named(program)
        if known is None:
            raise UsageError(f"no error codes of {program!r} are known; known programs: {', '.join(programs())}", program=program)
    code = _code(text)
    found = find_errors(code=code, name=None if code is not None else text, program=known)
    if not found:
        where = f" of {known}" if known else ""
        near = get_close_matches(text, {error.name for error in (*all_errors(), *own_errors())}, n=3) if code is None else []
        hint = f"; did you mean {' or '.join(near)}?" if near else "; give a code (6005 or 0x1775), a name or a signature"
        raise UsageError(f"no error {text!r}{where} is known{hint}", error=text, program=known)
    return found


@cache
def own_errors() -> tuple[ProgramError, ...]:
    """The errors dexroute itself raises, as its tree describes them."""
    meanings = dict(_DRAWN.findall(errors.__doc__ or ""))

    def below(kind: type[DexError]) -> Iterator[type[DexError]]:
        for one in kind.__subclasses__():
            yield one
            yield from below(one)

    return tuple(
        ProgramError(
            program=_DEXROUTE,
            program_ids=(),
            code=None,
            name=kind.code,
            meaning=meanings[kind.__name__],
            next_step="the same again may succeed" if kind.retryable and kind.exit_code == 4 else _OWN_STEPS[kind.exit_code][1],
            class_=ErrorClass.TRANSIENT if kind.retryable and kind.exit_code == 4 else _OWN_STEPS[kind.exit_code][0],
        )
        for kind in below(DexError)
        if kind.__module__ == errors.__name__
    )


async def explain_transaction(settings: Settings, signature: Signature) -> ExplainedTransaction:
    """Read a transaction from the cluster and find out why it failed. Raises UsageError when the cluster does not know it,
    NetworkError."""
    async with connect(settings) as connection:
        landed = await connection.client.transaction(signature)
        if landed is None:
            raise UsageError(
                f"{connection.client.endpoint} knows no confirmed transaction {signature}; check signature and cluster (-u), or "
                "wait until it is confirmed",
                signature=str(signature),
            )
    cause = failure_cause(landed.error, landed.logs) if landed.error is not None else None
    return ExplainedTransaction(signature=signature, landed=landed, cause=cause)


def error_shape(error: ProgramError) -> dict[str, Any]:
    """An entry of the dictionary for JSON."""
    return {
        "program": error.program,
        "program_ids": [str(place) for place in error.program_ids],
        "code": error.code,
        "name": error.name,
        "edition": error.edition,
        "meaning": error.meaning,
        "next_step": error.next_step,
        "class": str(error.class_),
    }


def _code(text: str) -> int | None:
    """The number written, None when it is a name. Raises UsageError for numbers that can be no code."""
    lowered = text.lower()
    digits, base = (lowered[2:], 16) if lowered.startswith("0x") else (lowered, 10)
    if not digits.isascii() or not digits.isalnum() or (base == 10 and not digits.isdecimal()):
        return None
    try:
        code = int(digits[:20], base)
    except ValueError:
        return None
    if code > U32_MAX:
        raise UsageError(f"{text} is no error code: they have 32 bits", error=text)
    return code
