"""Members of an `ar` archive (System V format), which is what an .rlib is."""

from __future__ import annotations

from programs.toolchain.failure import BuildError

MAGIC = b"!<arch>\n"
_HEADER = 60


def members(name: str, raw: bytes) -> dict[str, bytes]:
    """Name to content, symbol index and name table left out. Raises BuildError when it is no archive."""
    if not raw.startswith(MAGIC):
        raise BuildError(f"{name} is no ar archive")
    found: dict[str, bytes] = {}
    long_names = b""
    at = len(MAGIC)
    while at < len(raw):
        header = raw[at : at + _HEADER]
        if len(header) < _HEADER or header[58:] != b"`\n":
            raise BuildError(f"{name} is a broken ar archive at byte {at}")
        label, size = header[:16].decode().rstrip(), int(header[48:58])
        content = raw[at + _HEADER : at + _HEADER + size]
        at += _HEADER + size + size % 2
        if label == "//":
            long_names = content
        elif label.startswith("/") and label[1:].isdigit():
            start = int(label[1:])
            found[long_names[start : long_names.index(b"/\n", start)].decode()] = content
        elif label not in ("/", "/SYM64/"):
            found[label.rstrip("/")] = content
    return found
