"""Reading what a caller sent: every accessor raises RpcFailure (-32602) and nothing else."""

from __future__ import annotations

from typing import Any, Final

from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.localnet.rpc.failure import invalid_params
from dexroute.types.amounts import U64_MAX
from dexroute.types.chain import Commitment

_COMMITMENTS: Final = {
    **{commitment.value: commitment for commitment in Commitment},
    "recent": Commitment.PROCESSED,
    "single": Commitment.CONFIRMED,
    "singleGossip": Commitment.CONFIRMED,
    "root": Commitment.FINALIZED,
    "max": Commitment.FINALIZED,
}


def pubkey(value: Any) -> Pubkey:
    if not isinstance(value, str):
        raise invalid_params(f"Invalid params: invalid type: {type(value).__name__}, expected a string.")
    try:
        return Pubkey.from_string(value)
    except ValueError:
        raise invalid_params("Invalid param: WrongSize" if value.isalnum() else "Invalid param: Invalid") from None


def signature(value: Any) -> Signature:
    try:
        return Signature.from_string(value)
    except (ValueError, TypeError):
        raise invalid_params("Invalid param: Invalid") from None


def u64(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= U64_MAX:
        raise invalid_params(f"Invalid params: {name} must be an unsigned 64-bit integer.")
    return value


class Config:
    """The configuration object most methods take last."""

    def __init__(self, value: Any) -> None:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise invalid_params(f"Invalid params: invalid type: {type(value).__name__}, expected a configuration object.")
        self._value = value

    def get(self, name: str) -> Any:
        return self._value.get(name)

    def flag(self, name: str) -> bool:
        value = self._value.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid_params(f"Invalid params: {name} must be a boolean.")
        return bool(value)

    def integer(self, name: str) -> int | None:
        value = self._value.get(name)
        return None if value is None else u64(value, name)

    def text(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self._value.get(name)
        if value is None:
            return default
        if value not in choices:
            expected = ", ".join(f"`{choice}`" for choice in choices)
            raise invalid_params(f"Invalid params: unknown variant `{value}`, expected one of {expected}.")
        return str(value)

    def commitment(self, name: str = "commitment", default: Commitment = Commitment.FINALIZED) -> Commitment:
        value = self._value.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in _COMMITMENTS:
            raise invalid_params(
                f"Invalid params: unknown variant `{value}`, expected one of `processed`, `confirmed`, `finalized`."
            )
        return _COMMITMENTS[value]


class Params:
    """Positional parameters."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def get(self, index: int) -> Any:
        return self._values[index] if index < len(self._values) else None

    def required(self, index: int) -> Any:
        if index >= len(self._values):
            raise invalid_params(f"Invalid params: invalid length {len(self._values)}, expected at least {index + 1} elements.")
        return self._values[index]

    def pubkey(self, index: int) -> Pubkey:
        return pubkey(self.required(index))

    def signature(self, index: int) -> Signature:
        return signature(self.required(index))

    def u64(self, index: int, name: str) -> int:
        return u64(self.required(index), name)

    def string(self, index: int) -> str:
        value = self.required(index)
        if not isinstance(value, str):
            raise invalid_params(f"Invalid params: invalid type: {type(value).__name__}, expected a string.")
        return value

    def strings(self, index: int, *, limit: int) -> list[Any]:
        value = self.required(index)
        if not isinstance(value, list):
            raise invalid_params(f"Invalid params: invalid type: {type(value).__name__}, expected a sequence.")
        if len(value) > limit:
            raise invalid_params(f"Too many inputs provided; max {limit}")
        return value

    def config(self, index: int) -> Config:
        return Config(self.get(index))
