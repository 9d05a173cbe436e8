"""Error codes of on-chain programs, as values: what a code means for a trader and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from solders.pubkey import Pubkey


class ErrorClass(StrEnum):
    """What an error asks of whoever wanted the swap."""

    REQUOTE = "requote"  # the pool moved on, or the amount does not fit it: a new quote may go through
    REBUILD = "rebuild"  # accounts or instruction data do not fit: the transaction has to be made anew
    EXCLUDE_POOL = "exclude_pool"  # this pool (or one of its mints) takes no swap now: route around it
    PERMANENT = "permanent"  # the same request fails for ever, until wallet or request change
    TRANSIENT = "transient"  # the cluster was busy or behind: the same request may go through


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramError:
    """One error of one program. `program` is a venue id or the name of a Solana program; `program_ids` are where it runs, empty
    for errors of the runtime itself. `code` is the custom code, None for errors that only have a name. `edition` tells two
    numberings of one program apart. `meaning` and `next_step` are sentences without a full stop."""

    program: str
    program_ids: tuple[Pubkey, ...]
    code: int | None
    name: str
    meaning: str
    next_step: str
    class_: ErrorClass
    edition: str | None = None

    def __str__(self) -> str:
        """One line for people: name, meaning and next step."""
        code = f" ({self.code})" if self.code is not None else ""
        return f"{self.name}{code}: {self.meaning}; {self.next_step}"


REQUOTE, REBUILD, EXCLUDE_POOL, PERMANENT, TRANSIENT = ErrorClass
"""The classes by their names, for the tables."""

_NEXT_STEP: Final = {
    REQUOTE: "take a new quote, or allow more slippage",
    REBUILD: "build the transaction again from accounts read now",
    EXCLUDE_POOL: "use another pool",
    PERMANENT: "no swap leads here: check the instruction that was sent",
    TRANSIENT: "try again",
}

Row = tuple[int | None, str, ErrorClass, str] | tuple[int | None, str, ErrorClass, str, str]
"""(code, name as the program has it, class, meaning[, next step when the class's own does not say enough])."""


def error_table(
    program: str, program_ids: Iterable[str], rows: Iterable[Row], *, edition: str | None = None
) -> tuple[ProgramError, ...]:
    """A program's errors, from rows."""
    places = tuple(Pubkey.from_string(place) for place in program_ids)
    return tuple(
        ProgramError(
            program=program,
            program_ids=places,
            code=row[0],
            name=row[1],
            class_=row[2],
            meaning=row[3],
            next_step=row[4] if len(row) == 5 else _NEXT_STEP[row[2]],
            edition=edition,
        )
        for row in rows
    )
