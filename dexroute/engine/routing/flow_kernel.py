"""The solver of `flow` as WebAssembly (`kernels/flow`), run by wasmtime: the same steps in a fifth of the time.

Most flows are small, and numpy spends their time on getting to its arrays, forty times a step. The module imports nothing: all it
can do is compute in a memory of its own. It works without signal handlers and large reservations of addresses, which would be the
whole process's.
"""

from __future__ import annotations

import atexit
import ctypes
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

if TYPE_CHECKING:
    from wasmtime import Engine, Func, Memory, Module

    from dexroute.engine.routing.flow import FlowProblem
    from dexroute.engine.routing.newton import Floats

MODULE: Final = Path(__file__).with_suffix(".wasm")
_DOUBLE: Final = 8
# Of kernels/flow/src/problem.rs, in doubles.
_HEADER: Final = 4
_FOUND: Final = 3
_RESERVED_BYTES: Final = 1 << 24
_MORE_ROOM: Final = 2  # than asked for, so that the next larger problem finds it
_NOTHING: Final = 0


class KernelUnavailable(Exception):
    """No compiled solver here: wasmtime is missing, no process may make code executable, or the memory is used up."""


class FlowKernel:
    """One instance of the module: for one thread. Raises KernelUnavailable."""

    def __init__(self) -> None:
        try:
            import wasmtime
        except (ImportError, OSError) as error:
            raise KernelUnavailable(str(error)) from error
        self._failures = (wasmtime.WasmtimeError, wasmtime.Trap)
        try:
            engine, module = _compiled()
            self._store = wasmtime.Store(engine)
            exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        except self._failures as error:
            raise KernelUnavailable(str(error)) from error
        self._memory = cast("Memory", exports["memory"])
        self._reserve, self._best_flow = cast("Func", exports["reserve"]), cast("Func", exports["best_flow"])
        self._at = self._room = 0

    def best_flow(self, problem: FlowProblem, tolerance: float) -> tuple[Floats, Floats, tuple[float, float, float]]:
        """Flows by piece, prices by mint, and (gap, largest unmet balance, both and what is not stationary). Raises
        KernelUnavailable where there is no memory for it."""
        pieces, mints = len(problem.capacity), len(problem.supply)
        size = _HEADER + 5 * pieces + 2 * mints + _FOUND
        try:
            self._make_room(_DOUBLE * size)
            held = self._held(size)
            held[:_HEADER] = tolerance, pieces, mints, problem.reference
            indices = held[_HEADER : _HEADER + pieces].view(np.uint32)
            indices[:pieces], indices[pieces:] = problem.source, problem.target
            numbers = held[_HEADER + pieces :]
            numbers[:pieces] = problem.capacity
            numbers[pieces : 2 * pieces] = problem.slope
            numbers[2 * pieces : 3 * pieces] = problem.bend
            numbers[4 * pieces : 4 * pieces + mints] = problem.supply
            self._best_flow(self._store)
        except self._failures as error:
            raise KernelUnavailable(str(error)) from error
        numbers = self._held(size)[_HEADER + pieces :]  # where memory grew it may have moved
        flows, prices = numbers[3 * pieces : 4 * pieces].copy(), numbers[4 * pieces + mints : -_FOUND].copy()
        gap, unmet, wrong = numbers[-_FOUND:].tolist()
        return flows, prices, (gap, unmet, wrong)

    def _make_room(self, needed: int) -> None:
        if needed > self._room:
            self._room = _MORE_ROOM * needed
            self._at = self._reserve(self._store, self._room)
            if self._at == _NOTHING:
                self._room = 0
                raise KernelUnavailable(f"no memory for {needed} bytes")

    def _held(self, size: int) -> Floats:
        """What `kernels/flow/src/problem.rs` lays out, as it is now."""
        start = ctypes.addressof(self._memory.data_ptr(self._store).contents) + self._at
        return np.frombuffer(memoryview((ctypes.c_char * (_DOUBLE * size)).from_address(start)), dtype=np.float64)


_of_thread = threading.local()


def kernel() -> FlowKernel | None:
    """The instance of this thread; None where there cannot be one."""
    try:
        return cast("FlowKernel | None", _of_thread.kernel)
    except AttributeError:
        pass
    try:
        _of_thread.kernel = FlowKernel()
    except KernelUnavailable:
        _of_thread.kernel = None
    return cast("FlowKernel | None", _of_thread.kernel)


@cache
def _compiled() -> tuple[Engine, Module]:
    import wasmtime

    config = wasmtime.Config()
    config.signals_based_traps = False
    config.memory_reservation = config.memory_reservation_for_growth = _RESERVED_BYTES
    config.parallel_compilation = False
    engine = wasmtime.Engine(config)
    atexit.register(_forget)
    return engine, wasmtime.Module.from_file(engine, str(MODULE))


def _forget() -> None:
    """At the end of the process, before the modules are gone with which wasmtime frees its own."""
    _of_thread.kernel = None
    _compiled.cache_clear()
