"""Events from logs: ours only, in order, whatever else is written between them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import fields
from hashlib import sha256

import pytest
from borsh_construct import U32, U64, CStruct
from hypothesis import given
from hypothesis import strategies as st

from dexroute.errors import DecodeError
from dexroute.fetchers.pool.events import PoolStatusSet, Swapped, decode_event, decode_events
from dexroute.fetchers.pool.pda import DEFAULT_PROGRAM_ID
from tests.programs.samples import ADMIN, MINT_A

US = str(DEFAULT_PROGRAM_ID)
OTHER = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
STATUS = sha256(b"event:PoolStatusSet").digest()[:8] + bytes(MINT_A.address) + bytes(ADMIN) + b"\x05"
SWAPPED = (
    sha256(b"event:Swapped").digest()[:8]
    + bytes(MINT_A.address)
    + bytes(ADMIN)
    + b"\x01"
    + CStruct("a" / U64, "b" / U64, "c" / U64, "d" / U64, "e" / U32, "f" / U64, "g" / U64).build(
        {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7}
    )
)


def line(payload: bytes) -> str:
    return "Program data: " + b64encode(payload).decode()


def test_events_in_order_between_other_programs_lines() -> None:
    logs = [
        f"Program {OTHER} invoke [1]",
        line(STATUS),
        f"Program {US} invoke [2]",
        "Program log: " + b64encode(STATUS).decode(),
        f"Program {OTHER} invoke [3]",
        line(SWAPPED),
        f"Program {OTHER} consumed 105 of 200000 compute units",
        f"Program {OTHER} success",
        line(SWAPPED),
        f"Program {US} success",
        line(STATUS),
        f"Program {OTHER} failed: custom program error: 0x1",
        f"Program {US} invoke [1]",
        line(STATUS),
        "Log truncated",
    ]
    swapped, status = decode_events(logs)
    assert status == PoolStatusSet(pool=MINT_A.address, admin=ADMIN, status=5)
    assert isinstance(swapped, Swapped)
    assert [getattr(swapped, f.name) for f in fields(Swapped)] == [MINT_A.address, ADMIN, True, 1, 2, 3, 4, 5, 6, 7]


def test_another_deployments_events_are_read_under_its_id() -> None:
    logs = [f"Program {OTHER} invoke [1]", line(STATUS)]
    assert decode_events(logs) == ()
    assert len(decode_events(logs, program_id=type(DEFAULT_PROGRAM_ID).from_string(OTHER))) == 1


@pytest.mark.parametrize("payload", [b"", STATUS[:7], STATUS[:-1], STATUS + b"\0", b"\0" * 73, SWAPPED[:-8]], ids=len)
def test_payloads_that_are_no_event_are_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_events([f"Program {US} invoke [1]", line(payload)])
    assert caught.value.field == "event"


def test_what_is_not_base64_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode_events([f"Program {US} invoke [1]", "Program data: %%%"])


@given(st.binary(max_size=200))
def test_arbitrary_payloads_are_an_event_or_a_decode_error(noise: bytes) -> None:
    for payload in (noise, STATUS[:8] + noise, SWAPPED[:8] + noise):
        try:
            event = decode_event(payload)
        except DecodeError:
            continue
        assert type(event).__name__ in ("PoolStatusSet", "Swapped")


@given(st.lists(st.text(max_size=60) | st.sampled_from([f"Program {US} invoke [1]", f"Program {US} success", line(STATUS)])))
def test_arbitrary_lines_never_crash(logs: list[str]) -> None:
    events = decode_events([text for text in logs if not text.startswith("Program data: ") or text == line(STATUS)])
    assert all(isinstance(event, PoolStatusSet) for event in events)
