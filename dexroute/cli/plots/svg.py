"""A drawing, element by element, as SVG that reads well on white and on black: text and lines follow the viewer's colour scheme.

What tokens are called comes from strangers: all text is escaped, and characters XML cannot hold are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from dexroute.cli.terminal import printable
from dexroute.errors import UsageError
from dexroute.host.files import whole_file

Anchor = Literal["start", "middle", "end"]

_STYLE: Final = """
text { font-family: 'Inter', 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #1f2328; }
.ground { fill: #ffffff; }
.dim { fill: #59636e; }
.box { fill: #eef1f4; stroke: #8c959f; }
.line { stroke: #8c959f; fill: none; }
.grid { stroke: #d1d9e0; fill: none; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .ground { fill: #0d1117; }
  .dim { fill: #9198a1; }
  .box { fill: #212830; stroke: #656c76; }
  .line { stroke: #656c76; }
  .grid { stroke: #2f3742; }
  .halo { stroke: #0d1117; }
}
"""
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDTH_OF_SIZE: Final = 0.58  # of a character, on average, in the fonts named above
_BOLD_WIDTH_OF_SIZE: Final = 0.69
_WIDE: Final = frozenset("WF")  # Unicode's wide and full-width characters are as wide as high


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a line of text is, in the drawing's units; rather too wide."""
    one = _BOLD_WIDTH_OF_SIZE if bold else _WIDTH_OF_SIZE
    return size * sum(max(one, 1.0) if east_asian_width(character) in _WIDE else one for character in text)


def fitted(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """As much of the text as `width` has room for, with a mark where something is left away."""
    if text_width(text, size, bold=bold) <= width:
        return text
    kept = text
    while kept and text_width(f"{kept}…", size, bold=bold) > width:
        kept = kept[:-1]
    return f"{kept}…"


class Drawing:
    """Elements of a picture `width` by `height`. `title` is read by who cannot see it."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._title = title
        self._parts: list[str] = []

    def heading(self, text: str) -> None:
        """The title as its first line; the picture is made wide enough for it."""
        self.width = max(self.width, text_width(text, 17, bold=True) + 48)
        self.text(24, 32, text, size=17, bold=True)

    def rect(self, x: float, y: float, width: float, height: float, *, style: str = "", fill: str = "", radius: float = 0) -> None:
        self._add("rect", style, x=x, y=y, width=width, height=height, rx=radius, fill=fill)

    def circle(self, x: float, y: float, radius: float, *, style: str = "", fill: str = "") -> None:
        self._add("circle", style, cx=x, cy=y, r=radius, fill=fill)

    def line(self, x1: float, y1: float, x2: float, y2: float, *, style: str = "line", dashed: bool = False) -> None:
        self._add("line", style, x1=x1, y1=y1, x2=x2, y2=y2, stroke_dasharray="4 4" if dashed else "")

    def path(
        self, d: str, *, fill: str = "none", stroke: str = "", stroke_width: float = 0, opacity: float = 1, hint: str = ""
    ) -> None:
        """`hint` is what a pointer over it shows."""
        inner = f"<title>{_text(hint)}</title>" if hint else ""
        self._add("path", "", inner, d=d, fill=fill, stroke=stroke, stroke_width=stroke_width or "", opacity=opacity)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 13,
        anchor: Anchor = "start",
        style: str = "",
        bold: bool = False,
        turned: float | None = None,
    ) -> None:
        """`turned` is in degrees, clockwise around (x, y)."""
        turn = f"rotate({_number(turned)} {_number(x)} {_number(y)})" if turned is not None else ""
        weight = "600" if bold else ""
        self._add("text", style, _text(text), x=x, y=y, font_size=size, text_anchor=anchor, font_weight=weight, transform=turn)

    def svg(self) -> str:
        """The whole document."""
        box = f'viewBox="0 0 {_number(self.width)} {_number(self.height)}"'
        size = f'width="{_number(self.width)}" height="{_number(self.height)}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {box} {size} role="img">',
                f"<title>{_text(self._title)}</title>",
                f"<style>{_STYLE}</style>",
                f'<rect class="ground" width="{_number(self.width)}" height="{_number(self.height)}"/>',
                *self._parts,
                "</svg>\n",
            ]
        )

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises UsageError when it cannot be."""
        try:
            with whole_file(path, replace=True) as file:
                file.write(self.svg().encode())
        except OSError as error:
            raise UsageError(f"the picture {path} cannot be written: {error.strerror}; name another file (--plot)") from error

    def _add(self, tag: str, style: str, inner: str = "", **attributes: str | float) -> None:
        said = {"class": style, **attributes}
        written = "".join(
            f" {name.replace('_', '-')}={quoteattr(_number(value))}" for name, value in said.items() if value not in ("", None)
        )
        self._parts.append(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")


def band(left: tuple[float, float, float], right: tuple[float, float, float]) -> str:
    """The outline of a flow from (x, top, thickness) to (x, top, thickness), bent like a Sankey diagram's."""
    (x1, y1, thick1), (x2, y2, thick2) = left, right
    half = (x1 + x2) / 2
    there = ((half, y1), (half, y2), (x2, y2))
    back = ((half, y2 + thick2), (half, y1 + thick1), (x1, y1 + thick1))
    return f"M{_pair(x1, y1)} C{_pairs(there)} L{_pair(x2, y2 + thick2)} C{_pairs(back)} Z"


def polygon(points: Sequence[tuple[float, float]]) -> str:
    """A closed outline through points."""
    return "M" + " L".join(_pair(x, y) for x, y in points) + " Z"


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(_pair(x, y) for x, y in points)


def _pair(x: float, y: float) -> str:
    return f"{_number(x)},{_number(y)}"


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", printable(text)))
