"""The pool's 128-bit arithmetic, run in the virtual machine by programs/wide_probe and compared with Python's integers."""

from __future__ import annotations

import math
import os
import random
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.account import Account
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

U64 = 2**64
PROBE = Path(os.environ.get("DEXROUTE_WIDE_PROBE") or Path(__file__).with_name("data") / "wide_probe.so")
_RECORD = struct.Struct("<8Q")
_BATCH = 1_000  # within one transaction's 1.4 million compute units
Operands = tuple[int, int, int]


def _u64(quotient: int) -> int | None:
    return quotient if quotient < U64 else None


# By the numbers of `run` in programs/wide_probe/src/lib.rs.
OPERATIONS: dict[str, tuple[int, Callable[[int, int, int], int | None]]] = {
    "mul": (0, lambda a, b, c: a * b),
    "wrapping_mul": (1, lambda a, b, c: (a * U64 + b) * c % 2**128),
    "div_to_u64": (2, lambda a, b, c: _u64((a * U64 + b) // c) if c else None),
    "div": (3, lambda a, b, c: (a * U64 + b) // c if c else None),
    "mul_div_floor": (4, lambda a, b, c: _u64(a * b // c) if c else None),
    "mul_div_ceil": (5, lambda a, b, c: _u64(-(-a * b // c)) if c else None),
    "isqrt": (6, lambda a, b, c: math.isqrt(a * U64 + b)),
    "div_x64": (7, lambda a, b, c: a * U64 // b if b else 0),
}
# Where carries, half limbs and estimates of quotient digits turn over.
EDGES = sorted(
    {0, 1, 2, 3, 10**6, 10**9, 2**31, 2**33, U64 // 3}
    | {2**32 + d for d in (-2, -1, 0, 1, 2)}
    | {2**63 + d for d in (-2, -1, 0, 1, 2)}
    | {U64 - d for d in (1, 2, 3, 2**31, 2**32 - 1, 2**32, 2**32 + 1)}
)  # fmt: skip


class Probe:
    """A cluster with the probe; answers come with the compute units they took, those of measuring included."""

    def __init__(self) -> None:
        self._svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self._program, self._account, self._payer = Pubkey.new_unique(), Pubkey.new_unique(), Keypair()
        self._svm.add_program(self._program, PROBE.read_bytes())
        self._svm.airdrop(self._payer.pubkey(), 10**12)

    def run(self, operation: int, operands: Iterable[Operands]) -> list[tuple[int | None, int]]:
        listed = list(operands)
        answers: list[tuple[int | None, int]] = []
        for at in range(0, len(listed), _BATCH):
            answers += self._run(operation, listed[at : at + _BATCH])
        return answers

    def _run(self, operation: int, operands: list[Operands]) -> list[tuple[int | None, int]]:
        records = b"".join(_RECORD.pack(operation, *three, 0, 0, 0, 0) for three in operands)
        self._svm.set_account(self._account, Account(lamports=10**12, data=records, owner=self._program))
        call = Instruction(self._program, b"", [AccountMeta(self._account, False, True)])
        message = Message([set_compute_unit_limit(1_400_000), call], self._payer.pubkey())
        result = self._svm.send_transaction(Transaction.new_unsigned(message))
        assert not isinstance(result, FailedTransactionMetadata), result
        account = self._svm.get_account(self._account)
        assert account is not None
        rows = list(_RECORD.iter_unpack(account.data))
        return [(high * U64 + low if some else None, cost) for *_, some, high, low, cost in rows]


@pytest.fixture(scope="module")
def probe() -> Probe:
    return Probe()


def _agree(probe: Probe, name: str, operands: Iterable[Operands]) -> int:
    number, expected = OPERATIONS[name]
    listed = list(operands)
    for three, (answer, _) in zip(listed, probe.run(number, listed), strict=True):
        assert answer == expected(*three), (name, three)
    return len(listed)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_combination_of_edges(probe: Probe, name: str) -> None:
    assert _agree(probe, name, ((a, b, c) for a in EDGES for b in EDGES for c in EDGES)) == len(EDGES) ** 3


@pytest.mark.parametrize("name", OPERATIONS)
def test_random_numbers_of_every_length(probe: Probe, name: str) -> None:
    chance = random.Random(name)
    lengths = ((chance.randrange(65), chance.randrange(65), chance.randrange(65)) for _ in range(10_000))
    assert (
        _agree(probe, name, ((chance.getrandbits(x), chance.getrandbits(y), chance.getrandbits(z)) for x, y, z in lengths))
        == 10_000
    )


@pytest.mark.parametrize("name", ["div_to_u64", "div", "mul_div_floor", "mul_div_ceil"])
def test_quotients_whose_digits_are_estimated_too_large(probe: Probe, name: str) -> None:
    """A divisor just above a power of two with a full low half, and dividends just below its multiples."""
    chance = random.Random(name)
    operands: list[Operands] = []
    for _ in range(4_000):
        divisor = (1 << chance.randrange(32, 64)) + chance.choice((2**32 - 1, 2**31, chance.getrandbits(32)))
        dividend = max(0, divisor * chance.getrandbits(64) - chance.randrange(3))
        operands.append((dividend // U64 % U64, dividend % U64, divisor % U64))
    assert _agree(probe, name, operands) == 4_000


def test_roots_beside_squares(probe: Probe) -> None:
    chance = random.Random(7)
    roots = [U64 - 1, 2**32, 2**32 - 1, 1, *(chance.getrandbits(chance.randrange(1, 65)) for _ in range(1_500))]
    squares = [max(0, root * root + d) for root in roots for d in (-1, 0, 1)]
    assert _agree(probe, "isqrt", ((square // U64, square % U64, 0) for square in squares)) == 3 * len(roots)


@given(st.lists(st.tuples(*[st.integers(0, U64 - 1)] * 3), min_size=1, max_size=40))
@settings(max_examples=20, deadline=None)
def test_any_numbers(probe: Probe, operands: list[Operands]) -> None:
    for name in OPERATIONS:
        assert _agree(probe, name, operands) == len(operands)


def test_memory_is_compared_by_the_runtime(probe: Probe) -> None:
    cases = [
        (byte, length, changed)
        for byte in (0, 1, 254, 255)
        for length in (0, 1, 31, 32, 33, 255, 256)
        for changed in (0, 31, 255, 300)
    ]
    compared = 0
    for (byte, length, changed), (answer, _) in zip(cases, probe.run(8, cases), strict=True):
        first = second = bytes([byte]) * length
        if changed < length:
            second = first[:changed] + bytes([(byte + 1) % 256]) + first[changed + 1 :]
        order = (first > second) - (first < second)
        assert answer == (order + 1) * U64 + (first == second), (byte, length, changed)
        compared += 1
    assert compared == len(cases)
    assert probe.run(8, [(0, 257, 0)])[0][0] is None


# Compute units at most, of which about 130 are the measuring (a syscall, 100) and the probe's own dispatch.
COSTS = {
    "mul": 170,
    "wrapping_mul": 170,
    "div_to_u64": 280,
    "div": 280,
    "mul_div_floor": 305,
    "mul_div_ceil": 315,
    "isqrt": 1_150,
    "div_x64": 270,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_cost_in_compute_units(probe: Probe, name: str) -> None:
    chance = random.Random(3)
    dear = [(chance.getrandbits(62), chance.getrandbits(63) | 1 << 62, chance.getrandbits(63) | 1 << 62) for _ in range(200)]
    costs = [cost for _, cost in probe.run(OPERATIONS[name][0], dear)]
    assert len(costs) == 200
    assert max(costs) <= COSTS[name], (name, max(costs))
