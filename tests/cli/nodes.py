"""A badly behaved JSON-RPC node on a real port, beside a command that runs in this thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.chain.scripted_node import ScriptedNode


@contextmanager
def node_behaving(script: Callable[[ScriptedNode], None]) -> Iterator[ScriptedNode]:
    """The node, listening, in a thread of its own."""
    node = ScriptedNode()
    script(node)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(node.serve, "127.0.0.1", 0)
        node.port = server.sockets[0].getsockname()[1]
        ready.set()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()
        node.hang_up()
        loop.run_until_complete(asyncio.sleep(0))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield node
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        assert not thread.is_alive()
