"""What happened in a run: counted always, written down line by line when somebody wants to read it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable


class Trace:
    """`faults` and `steps` count kinds of trouble and of order moves; `digest` tells two runs apart."""

    def __init__(self, now: Callable[[], float], *, keep: bool) -> None:
        self._now = now
        self._keep = keep
        self._hash = hashlib.blake2b()
        self.lines: list[str] = []
        self.faults: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()

    def fault(self, kind: str, text: str = "", *values: object) -> None:
        self.faults[kind] += 1
        self.note(f"! {kind}: {text}" if text else f"! {kind}", *values)

    def note(self, text: str, *values: object) -> None:
        self._hash.update(text.encode())
        self._hash.update(repr(self._now()).encode())
        if self._keep:
            self.lines.append(f"{self._now():9.3f}  {text % values if values else text}")

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]
