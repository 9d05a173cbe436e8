"""One playground for all tests that need a market: made once per test run, copied for each test."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from dexroute import Dex, KeypairSigner, make_playground

WALLET = "wallet.json"


def playground_template(factory: pytest.TempPathFactory) -> Path:
    """The directory of the finished playground, the same for all workers of one run."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    shared = factory.getbasetemp() if alone else factory.getbasetemp().parent
    directory, done = shared / "playground", shared / "playground.done"
    with FileLock(shared / "playground.lock"):
        if not done.exists():
            shutil.rmtree(directory, ignore_errors=True)
            asyncio.run(make_template(directory))
            done.touch()
    return directory


async def make_template(directory: Path) -> None:
    """A playground with its wallet, journal and facts in an empty directory."""
    signer = KeypairSigner.create(directory / WALLET)
    async with Dex(
        url="embedded", data_dir=directory, database_url=f"sqlite:///{directory / 'journal.sqlite3'}", signer=signer
    ) as dex:
        made = await make_playground(dex, signer)
        assert await dex.list_orders() == ()  # makes the journal, so that no test has to
    facts = {"pools": [str(pool) for pool in made.pools], "recorded": {venue: str(pool) for venue, pool, _, _ in made.recorded}}
    (directory / "facts.json").write_text(json.dumps(facts))


def copied(template: Path, to: Path) -> Path:
    """A playground of a test's own."""
    return Path(shutil.copytree(template, to))
