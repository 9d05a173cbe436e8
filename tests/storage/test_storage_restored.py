"""A PostgreSQL brought back as it was: no file lies beside it, but each machine remembers what it committed last."""

from __future__ import annotations

from pathlib import Path

from dexroute.engine.execution.restored import read_restored
from dexroute.storage.store import open_store
from tests.servers.postgres import copied_postgres
from tests.storage.orders_at_hand import an_order, to_confirmed


async def test_a_database_restored_by_its_servers_means_is_noticed(postgres: str, tmp_path: Path) -> None:
    url = await copied_postgres(postgres, "template1", "journal")
    async with open_store(url, elsewhere=tmp_path) as store:
        await to_confirmed(store, an_order())
    await copied_postgres(postgres, "journal", "backup")
    async with open_store(url, elsewhere=tmp_path) as store:
        assert await read_restored(store) is None
        await to_confirmed(store, an_order())
    async with open_store(url, elsewhere=tmp_path) as store:
        assert await read_restored(store) is None
    assert await copied_postgres(postgres, "backup", "journal") == url
    for _ in range(2):
        async with open_store(url, elsewhere=tmp_path) as store:
            state = await read_restored(store)
            assert state is not None and state["missing"] == 1
    async with open_store(url, elsewhere=tmp_path / "another machine") as store:
        assert await read_restored(store) is not None, "noted in the journal, for all"
        await store.accept_lost()
