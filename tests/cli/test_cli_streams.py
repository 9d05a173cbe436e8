"""Where output goes: a full disk, a closed stream, a device, a link, a directory that is not there. Said, never called a bug, and
nothing of the system's is replaced by a file of ours."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.runner import DEX, Cli, clean_environment

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="no /dev/full here")


def _shell(redirected: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'"$@" {redirected}', "sh", *DEX, *arguments]
    return subprocess.run(command, env=clean_environment(home), capture_output=True, text=True, timeout=120, check=False)


@needs_full
@pytest.mark.parametrize("format_", ["table", "json"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_no_bug(cli: Cli, home: Path, format_: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    done = _shell(f">{FULL}", "orders", "list", "--format", format_, *cli.here, home=home)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr and "is a bug" not in done.stderr and len(done.stderr.splitlines()) == 1


@needs_full
def test_an_error_nobody_can_read_still_has_its_exit_code(cli: Cli, home: Path) -> None:
    assert _shell(f"2>{FULL}", "quote", "1", "SOL", "NOPE", *cli.here, home=home).returncode == 2
    assert _shell("2>&-", "quote", "1", "SOL", "NOPE", *cli.here, home=home).returncode == 2


def test_a_closed_stdout_is_no_bug_and_nobody_elses_file(cli: Cli, home: Path) -> None:
    done = _shell(">&- <&-", "swap", "1", "SOL", "USDC", "--yes", *cli.here, home=home)
    assert (done.returncode, done.stderr) == (0, "")
    (order,) = cli.json("orders", "list")["orders"]
    assert order["state"] == "CONFIRMED"


@pytest.mark.parametrize("command", [("route", "1", "SOL", "USDC", "--plot"), ("depth", "SOL", "USDC", "--plot"), ("export", "-o")])
def test_a_device_or_link_is_not_replaced(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    pipe, link, target = tmp_path / "pipe.svg", tmp_path / "link.svg", tmp_path / "target"
    os.mkfifo(pipe)
    target.write_text("mine")
    link.symlink_to(target)
    for path in (pipe, link):
        said = cli(*command, str(path), code=2).err
        assert str(path) in said and ("no regular file" in said or "a link" in said)
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and link.is_symlink() and target.read_text() == "mine"


def test_a_picture_goes_where_it_was_asked_to(cli: Cli, tmp_path: Path) -> None:
    said = cli("route", "1", "SOL", "USDC", "--plot", str(tmp_path / "none" / "route.svg"), code=2).err
    assert "No such file or directory" in said and not (tmp_path / "none").exists(), "a typing error makes no directory"
    said = cli("route", "1", "SOL", "USDC", "--plot", str(tmp_path / "route.png"), code=2).err
    assert f"name it {tmp_path / 'route.svg'}" in said and not (tmp_path / "route.png").exists()
