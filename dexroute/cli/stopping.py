"""A command that runs until it is told to stop: the first SIGTERM or Ctrl-C asks, the second insists."""

from __future__ import annotations

import asyncio
import signal


class Stopping:
    """`asked` is set by the first signal. Until `begin` is called there is nothing to end in good order, and the first cancels."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.asked = asyncio.Event()
        self._task = task
        self._begun = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told)

    def begin(self) -> None:
        """From now on whoever waits for `asked` ends the work."""
        self._begun = True

    def forgive(self) -> bool:
        """Whether a cancellation that was caught was only the first signal, come before the work had begun."""
        if self._begun or not self.asked.is_set():
            return False
        self._task.uncancel()
        return True

    def _told(self) -> None:
        if self.asked.is_set() or not self._begun:
            self._task.cancel()
        self.asked.set()
