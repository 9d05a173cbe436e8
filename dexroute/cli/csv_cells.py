"""CSV as RFC 4180 has it, with words no spreadsheet takes for a formula (OWASP, "CSV Injection")."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import IO, Final

from dexroute.cli.terminal import printable

# Also after what another spreadsheet's language separates cells with, and in the full-width forms some take for the same.
_FORMULA: Final = re.compile("(^|[;,\t\n|])([ \"']*)(?=[=+@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                         "\N{FULLWIDTH COMMERCIAL AT}\N{FULLWIDTH HYPHEN-MINUS}-])")  # fmt: skip


def csv_writer(file: IO[str]) -> Callable[[Iterable[int | str | Decimal | None]], object]:
    """Writes a row to `file` at each call. Open files with `newline=""`: lines end with CR LF."""
    writer = csv.writer(file, lineterminator="\r\n")

    def write(cells: Iterable[int | str | Decimal | None]) -> None:
        writer.writerow([_cell(cell) for cell in cells])

    return write


def _cell(value: int | str | Decimal | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def harmless(text: str) -> str:
    """`text` with an apostrophe wherever a cell could begin with what starts a formula, and nothing a terminal obeys."""
    return _FORMULA.sub(r"\1\2'", printable(text))
