"""A `Dex` on a playground of the test's own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dexroute import Dex, KeypairSigner
from tests.playground import WALLET, copied, playground_template
from tests.sdk.wire import Wire


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return playground_template(tmp_path_factory)


@pytest.fixture
def market(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The playground's directory, for a user without any configuration."""
    for name in [name for name in os.environ if name.startswith(("DEXROUTE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return copied(template, tmp_path / "market")


@pytest.fixture
def signer(market: Path) -> KeypairSigner:
    return KeypairSigner.load(market / WALLET)


@pytest.fixture
async def dex(market: Path, signer: KeypairSigner) -> AsyncIterator[Dex]:
    async with Dex(url="embedded", data_dir=market, signer=signer) as opened:
        yield opened


@pytest.fixture
async def wired(market: Path, signer: KeypairSigner) -> AsyncIterator[tuple[Dex, Wire]]:
    """A `Dex` that reaches the embedded cluster over a wire that counts, and can refuse."""
    from dexroute.localnet import EmbeddedCluster

    async with EmbeddedCluster.open(market / "embedded") as cluster:
        wire = Wire(cluster.transport)
        async with Dex(url="http://127.0.0.1:8899", data_dir=market, signer=signer, transport=wire) as opened:
            yield opened, wire
