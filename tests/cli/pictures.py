"""What a test can tell of a picture without eyes."""

from __future__ import annotations

from xml.etree import ElementTree

from dexroute.cli.plots.svg import text_width

Box = tuple[float, float, float, float]


def text_boxes(root: ElementTree.Element) -> list[tuple[str, Box]]:
    """Every level text of a picture with the room it takes: left, top, right, bottom."""
    found = []
    for element in root.iter():
        if element.tag.endswith("}text") and element.get("transform") is None:
            text, size = element.text or "", float(element.get("font-size", "13"))
            bold = element.get("font-weight") is not None
            width, x, y = text_width(text, size, bold=bold), float(element.get("x", "0")), float(element.get("y", "0"))
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[element.get("text-anchor", "start")]
            found.append((text, (left, y - 0.8 * size, left + width, y + 0.2 * size)))
    return found


def overlapping(root: ElementTree.Element) -> list[tuple[str, str]]:
    """Pairs of texts that lie on each other."""
    boxes = text_boxes(root)
    return [
        (text, other)
        for number, (text, one) in enumerate(boxes)
        for other, two in boxes[number + 1 :]
        if one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
    ]


def outside(root: ElementTree.Element) -> list[str]:
    """Texts that are not wholly on the picture."""
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    boxes = text_boxes(root)
    return [text for text, (left, top, right, bottom) in boxes if left < 0 or top < 0 or right > width or bottom > height]
