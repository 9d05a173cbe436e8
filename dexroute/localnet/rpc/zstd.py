"""A Zstandard frame (RFC 8878) of stored blocks: every decoder reads it, and no compressor is needed to write it."""

from __future__ import annotations

from typing import Final

_MAGIC: Final = (0xFD2FB528).to_bytes(4, "little")
_BLOCK: Final = 128 * 1024
# Frame header descriptor: 8-byte content size (bits 7-6), single segment (bit 5), no checksum, no dictionary.
_DESCRIPTOR: Final = bytes([0b11100000])


def stored_frame(data: bytes) -> bytes:
    blocks = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)] or [b""]
    frame = [_MAGIC, _DESCRIPTOR, len(data).to_bytes(8, "little")]
    for index, block in enumerate(blocks):
        is_last = index == len(blocks) - 1
        frame += [(len(block) << 3 | int(is_last)).to_bytes(3, "little"), block]
    return b"".join(frame)
