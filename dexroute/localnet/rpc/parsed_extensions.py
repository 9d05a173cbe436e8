"""Token-2022 extensions as objects (agave account-decoder/src/parse_token_extension.rs). Those without a reader here are told
as `unparseableExtension`, which is what a node says of an extension newer than itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.localnet.token_layout import extensions

_NOBODY: Final = bytes(32)


def parsed_extensions(data: bytes) -> list[dict[str, Any]]:
    return [_parsed(kind, body) for kind, body in extensions(data)]


def _parsed(kind: int, body: bytes) -> dict[str, Any]:
    known = _READERS.get(kind)
    if known is None or len(body) < known[1]:
        return {"extension": "unparseableExtension"}
    name, _, read = known
    state = read(body)
    return {"extension": name} if state is None else {"extension": name, "state": state}


def _key(body: bytes, offset: int) -> str | None:
    raw = body[offset : offset + 32]
    return None if raw == _NOBODY else str(Pubkey(raw))


def _int(body: bytes, offset: int, length: int) -> int:
    return int.from_bytes(body[offset : offset + length], "little")


def _fee(body: bytes, offset: int) -> dict[str, Any]:
    return {
        "epoch": _int(body, offset, 8),
        "maximumFee": _int(body, offset + 8, 8),
        "transferFeeBasisPoints": _int(body, offset + 16, 2),
    }


def _transfer_fee_config(body: bytes) -> dict[str, Any]:
    return {
        "transferFeeConfigAuthority": _key(body, 0),
        "withdrawWithheldAuthority": _key(body, 32),
        "withheldAmount": _int(body, 64, 8),
        "olderTransferFee": _fee(body, 72),
        "newerTransferFee": _fee(body, 90),
    }


def _token_metadata(body: bytes) -> dict[str, Any]:
    """Borsh: authority, mint, name, symbol, uri, pairs of strings. Cut off: what was read so far."""
    offset = 64

    def text() -> str:
        nonlocal offset
        length = _int(body, offset, 4)
        raw = body[offset + 4 : offset + 4 + length]
        offset += 4 + length
        return raw.decode("utf-8", "replace")

    state: dict[str, Any] = {"updateAuthority": _key(body, 0), "mint": str(Pubkey(body[32:64]))}
    state |= {"name": text(), "symbol": text(), "uri": text()}
    count = min(_int(body, offset, 4), len(body))
    offset += 4
    state["additionalMetadata"] = [[text(), text()] for _ in range(count) if offset < len(body)]
    return state


_Reader = Callable[[bytes], dict[str, Any] | None]
_READERS: Final[dict[int, tuple[str, int, _Reader]]] = {
    1: ("transferFeeConfig", 108, _transfer_fee_config),
    2: ("transferFeeAmount", 8, lambda body: {"withheldAmount": _int(body, 0, 8)}),
    3: ("mintCloseAuthority", 32, lambda body: {"closeAuthority": _key(body, 0)}),
    6: ("defaultAccountState", 1, lambda body: {"accountState": {1: "initialized", 2: "frozen"}.get(body[0], "uninitialized")}),
    7: ("immutableOwner", 0, lambda body: None),
    8: ("memoTransfer", 1, lambda body: {"requireIncomingTransferMemos": body[0] == 1}),
    9: ("nonTransferable", 0, lambda body: None),
    12: ("permanentDelegate", 32, lambda body: {"delegate": _key(body, 0)}),
    13: ("nonTransferableAccount", 0, lambda body: None),
    14: ("transferHook", 64, lambda body: {"authority": _key(body, 0), "programId": _key(body, 32)}),
    18: ("metadataPointer", 64, lambda body: {"authority": _key(body, 0), "metadataAddress": _key(body, 32)}),
    19: ("tokenMetadata", 64, _token_metadata),
    20: ("groupPointer", 64, lambda body: {"authority": _key(body, 0), "groupAddress": _key(body, 32)}),
    22: ("groupMemberPointer", 64, lambda body: {"authority": _key(body, 0), "memberAddress": _key(body, 32)}),
}
