"""Why a transaction failed: its error and its log, in the words of the program that refused.

The name in the log decides before the number: programs renumber their codes (Raydium CLMM did in April 2026), names stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.fetchers.program_errors import find_errors, program_at
from dexroute.types.chain import TransactionError
from dexroute.types.program_errors import ErrorClass, ProgramError

_FAILED: Final = re.compile(r"^Program (\w{32,44}) failed: (.*)$")
_ANCHOR: Final = re.compile(r"Error Code: (\w+)\. Error Number: (\d{1,10})\. Error Message: (.*)$")
_TELLABLE: Final = 2  # meanings in one sentence
_OURS: Final = re.compile(r"^Program log: Error: (\w+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCause:
    """What is known of a failure. `program_id` is the innermost program that failed, `name` and `text` what it logged of it.
    `errors` are the dictionary's entries: one, as a rule; several where code and log leave it open; none for unknown codes."""

    instruction_index: int | None
    program_id: Pubkey | None
    program: str | None
    code: int | None
    name: str | None
    text: str | None
    errors: tuple[ProgramError, ...]

    def __str__(self) -> str:
        """One line for people: who failed, with what, what it means, what to do."""
        who = self.program or (str(self.program_id) if self.program_id else None)
        meanings = list(dict.fromkeys(map(str, self.errors)))
        if len(meanings) > _TELLABLE:
            said = f"code {self.code} means something else in every program: `dex explain {self.code}` lists what"
        else:
            said = " or ".join(meanings) or self._unknown()
        return f"{who}: {said}" if who else said

    @property
    def class_(self) -> ErrorClass | None:
        """What the error asks for, where the dictionary is of one mind about it."""
        classes = {error.class_ for error in self.errors}
        return classes.pop() if len(classes) == 1 else None

    def _unknown(self) -> str:
        named = f"{self.name} ({self.code})" if self.name else f"code {self.code}"
        return f"{named}, which this dexroute does not know" + (f": {self.text}" if self.text else "")


def failure_cause(error: TransactionError, logs: Sequence[str]) -> FailureCause:
    """The cause of a failed transaction or simulation. `logs` may be empty or cut off: then the code alone decides."""
    kind, instruction = _kinds(error)
    if error.custom_code is None:
        table = "instruction" if instruction else "transaction"
        program_id = _failed_program(logs)[0] if instruction else None
        return FailureCause(
            instruction_index=error.instruction_index,
            program_id=program_id,
            program=program_at(program_id) if program_id else None,
            code=None,
            name=kind,
            text=None,
            errors=find_errors(name=kind, program=table),
        )
    program_id, line = _failed_program(logs)
    program = program_at(program_id) if program_id else None
    name, text = _logged(logs[:line], error.custom_code)
    errors = _errors(program_id, program, error.custom_code, name)
    return FailureCause(
        instruction_index=error.instruction_index,
        program_id=program_id,
        program=program,
        code=error.custom_code,
        name=name or (errors[0].name if len({entry.name for entry in errors}) == 1 else None),
        text=text,
        errors=errors,
    )


def _errors(program_id: Pubkey | None, program: str | None, code: int, name: str | None) -> tuple[ProgramError, ...]:
    if program_id is not None and program is None:  # somebody else's program: of its codes only Anchor's own are known
        return find_errors(name=name, program="anchor") if name else ()
    if name is not None:
        by_name = find_errors(name=name, program=program)
        return tuple(error for error in by_name if error.code == code) or by_name
    return find_errors(code=code, program=program)


def _kinds(error: TransactionError) -> tuple[str, bool]:
    """(the error's name, whether an instruction raised it), from the cluster's JSON."""
    raw: Any = error.raw
    if isinstance(raw, dict) and isinstance(cause := raw.get("InstructionError"), list) and len(cause) == 2:
        return _name(cause[1]), True
    return _name(raw), False


def _name(raw: Any) -> str:
    return str(next(iter(raw), "")) if isinstance(raw, dict) else str(raw)


def _failed_program(logs: Sequence[str]) -> tuple[Pubkey | None, int]:
    """The innermost program that failed and the line that says so: it comes first, its callers' lines after it."""
    for number, line in enumerate(logs):
        if match := _FAILED.match(line):
            try:
                return Pubkey.from_string(match[1]), number
            except ValueError:
                break
    return None, len(logs)


def _logged(logs: Sequence[str], code: int) -> tuple[str | None, str | None]:
    """(name, message) of the error as the program logged it last, when that goes with the code it answered."""
    for line in reversed(logs):
        if match := _ANCHOR.search(line):
            return (match[1], match[3].rstrip(".")) if int(match[2]) == code else (None, None)
        if match := _OURS.match(line):
            return match[1], None
    return None, None
