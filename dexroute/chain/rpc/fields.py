"""Reading a JSON answer field by field, so that a malformed one is an error naming the place, never a crash or a guess.

solders has parsers for the answers, but they refuse whole answers over fields we do not need (a float `rentEpoch`, an unknown
transaction error), and do not say which. Servers differ most where nobody looks.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey

from dexroute.errors import RpcError
from dexroute.types.amounts import U64_MAX


@dataclass(frozen=True, slots=True)
class Field:
    """A value in the answer to `method` at `path`. Every reading method raises RpcError when the value is not that."""

    method: str
    path: str
    value: Any

    def wrong(self, expected: str) -> RpcError:
        """The error for this field not being what it must be."""
        shown = repr(self.value)
        shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
        return RpcError(
            f"{self.method}: malformed answer: {self.path} is {shown}, expected {expected}; try another endpoint (-u)",
            method=self.method,
            field=self.path,
            malformed=True,
        )

    def __getitem__(self, key: str) -> Field:
        """A member that must be there (its value may be null)."""
        if not isinstance(self.value, dict) or key not in self.value:
            raise self.wrong(f"an object with {key!r}")
        return Field(self.method, f"{self.path}.{key}", self.value[key])

    def get(self, key: str) -> Field | None:
        """A member, or None when it is absent or null."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        value = self.value.get(key)
        return None if value is None else Field(self.method, f"{self.path}.{key}", value)

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def items(self, length: int | None = None) -> list[Field]:
        """The members of a list, of exactly `length` when that is given."""
        if not isinstance(self.value, list) or (length is not None and len(self.value) != length):
            raise self.wrong("a list" if length is None else f"a list of {length}")
        return [Field(self.method, f"{self.path}[{index}]", value) for index, value in enumerate(self.value)]

    def uint(self) -> int:
        """A u64."""
        if type(self.value) is not int or not 0 <= self.value <= U64_MAX:
            raise self.wrong("an unsigned integer")
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        return self.value

    def decimal_text(self) -> int:
        """A u64 written as a string of digits, as token amounts are."""
        text = self.text()
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= U64_MAX):
            raise self.wrong("an amount as a string of digits")
        return int(text)

    def pubkey(self) -> Pubkey:
        try:
            return Pubkey.from_string(self.text())
        except ValueError:
            raise self.wrong("a base58 address") from None

    def hash(self) -> Hash:
        try:
            return Hash.from_string(self.text())
        except (ParseHashError, ValueError):
            raise self.wrong("a base58 hash") from None

    def base64(self) -> bytes:
        """Bytes given as `[text, "base64"]`."""
        match self.value:
            case [str(text), "base64"]:
                try:
                    return base64.b64decode(text, validate=True)
                except (binascii.Error, ValueError):
                    raise self.wrong("base64 text") from None
        raise self.wrong('[text, "base64"]')
