"""What all tests share: hypothesis without a deadline, because a loaded machine is not a defect, and a real PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.postgres import postgres_server

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every `dex` they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("dexroute", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dexroute")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of this test process; ends with it."""
    with postgres_server() as server:
        yield server.url


@pytest.fixture
def patient_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that a loaded machine does not let answer at once is waited for, where a test needs what it holds."""
    monkeypatch.setattr("dexroute.chain.redis_connection._TIMEOUT_S", 30)
