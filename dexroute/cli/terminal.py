"""Text on a terminal: what others wrote (program logs, nodes' answers, journals, file names) is shown, never obeyed.

Rich strips neither escape sequences nor the marks that turn the direction of writing, and takes `[...]` for its own markup.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_ANY_WIDTH: Final = 1_000
# C0 but for tab and newline, DEL, C1, and Unicode's line separators and direction marks (Trojan Source, CVE-2021-42574).
_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` with every character a terminal could take for a command replaced by `�`."""
    return _COMMANDS.sub("�", text)


def short(address: str) -> str:
    """An address where there is no room for all of it; JSON has it whole."""
    return f"{address[:4]}…{address[-4:]}"


def natural_width(console: Console, table: Table) -> int:
    """How many characters wide a table is where nothing in it is cut or folded."""
    return console.measure(table, options=console.options.update_width(_ANY_WIDTH)).maximum


def plain_console(file: IO[str] | None = None, *, stderr: bool = False, width: int | None = None) -> Console:
    """A Rich console whose text is `printable` and whose strings are no markup: style with `Text` or `style=`."""
    from rich.console import Console
    from rich.segment import Segment

    class PlainConsole(Console):
        def render_str(self, text: str, **options: Any) -> Any:
            return super().render_str(printable(text), **options)  # before it is measured: a table cuts what it did not measure

        def render(self, renderable: Any, options: Any = None) -> Any:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(printable(segment.text), segment.style)

    return PlainConsole(file=file, stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
