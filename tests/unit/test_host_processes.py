"""Which processes have ended: said only of those this machine can tell apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dexroute.host.processes import has_ended, process_name

pytestmark = pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="only Linux says which start this is")

_SAY = "from dexroute.host.processes import process_name; print(process_name(), flush=True); input()"


def test_a_process_has_ended_when_it_has() -> None:
    with subprocess.Popen([sys.executable, "-c", _SAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert f":{process.pid}:" in name and not has_ended(name)
        process.kill()
    assert has_ended(name)
    host, number, digits = name.split(":")
    elsewhere = digits.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    of_others = [
        f"{host}:{number}:{elsewhere}",  # another machine of this name, or this one before it was started anew
        f"{host}:{number}:abcd1234",  # of an older dexroute
        f"{host}:{os.getpid()}:{digits}",  # a number somebody has by now
        f"{host}:{10**30}:{digits}",
        f"{host}:-1:{digits}",
        f"{host}::{digits}",
        "bench",
        "",
    ]
    assert not any(map(has_ended, of_others))


def test_no_two_names_are_alike() -> None:
    names = {process_name() for _ in range(50)}
    assert len(names) == 50 and not any(map(has_ended, names))
