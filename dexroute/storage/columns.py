"""Column types: unsigned integers SQLite cannot hold, and JSON on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import JSON, Dialect, Numeric, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from dexroute.errors import DatabaseError, InvalidAmount

_DIGITS: Final = {64: 20, 128: 39}


class Unsigned(TypeDecorator[int]):
    """An unsigned integer of 64 or 128 bits: every amount, slot and block height of the journal.

    SQLite's integers are signed 64-bit, so there it is text of fixed width (zero-padded: SQL orders it as it orders numbers); on
    PostgreSQL it is NUMERIC. Never a float. Raises InvalidAmount on the way in, DatabaseError when stored text is no such number.
    """

    impl = String
    cache_ok = True

    def __init__(self, bits: int = 64) -> None:
        super().__init__()
        self.bits = bits
        self.digits = _DIGITS[bits]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(self.digits, 0))
        return dialect.type_descriptor(String(self.digits))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if type(value) is not int or not 0 <= value < 1 << self.bits:
            raise InvalidAmount(f"{value!r} is not an unsigned {self.bits}-bit integer and cannot be recorded", value=str(value))
        return Decimal(value) if dialect.name == "postgresql" else f"{value:0{self.digits}d}"

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = -1
        if not 0 <= number < 1 << self.bits:
            raise DatabaseError(f"the journal holds {value!r} where an unsigned {self.bits}-bit integer must be; restore a backup")
        return number


JsonColumn: Final = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""JSON with amounts as strings. Python's None is SQL's NULL."""
