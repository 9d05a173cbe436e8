"""Base58 as text, as RPC writes keys, signatures and instruction bytes."""

from __future__ import annotations

import based58


def encode(raw: bytes) -> str:
    return based58.b58encode(raw).decode()


def decode(text: str) -> bytes:
    """Raises ValueError for a character outside the alphabet. Quadratic: callers bound the length."""
    return based58.b58decode(text.encode())
