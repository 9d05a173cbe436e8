"""A cluster served on two ports, as solana-test-validator serves: JSON-RPC over HTTP, and WebSocket on the port above."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from dexroute.errors import ConfigError
from dexroute.localnet.cluster import EmbeddedCluster

DEFAULT_RPC_PORT: Final = 8899


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAt:
    """Where a cluster answers, ports as bound."""

    rpc_url: str
    ws_url: str


async def serve(
    cluster: EmbeddedCluster,
    *,
    host: str = "127.0.0.1",
    rpc_port: int = DEFAULT_RPC_PORT,
    ws_port: int | None = None,
    on_ready: Callable[[ServedAt], None] | None = None,
) -> None:
    """Serve until cancelled; `on_ready` is called once both ports answer. Port 0 lets the system choose; `ws_port` defaults to
    the port above `rpc_port`. Raises ConfigError when a port cannot be had."""
    import uvicorn

    from dexroute.localnet.asgi import MAX_BODY_BYTES, RpcApp

    class QuietServer(uvicorn.Server):
        """Leaves signals to whoever runs the event loop."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    rpc_socket = _bound(host, rpc_port, "--rpc-port")
    try:
        ws_wanted = ws_port if ws_port is not None else rpc_port + 1 if rpc_port else 0
        ws_socket = _bound(host, ws_wanted, "the WebSocket port (one above --rpc-port)")
    except ConfigError:
        rpc_socket.close()
        raise
    config = uvicorn.Config(
        RpcApp(cluster),
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_BODY_BYTES,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    pairs = [(QuietServer(config), rpc_socket), (QuietServer(config), ws_socket)]
    tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in pairs]
    try:
        while not all(server.started for server, _ in pairs):
            await asyncio.sleep(0.005)
            for task in tasks:
                if task.done():
                    task.result()
        served = ServedAt(rpc_url=f"http://{_address(host, rpc_socket)}", ws_url=f"ws://{_address(host, ws_socket)}")
        cluster.announce(served.rpc_url)
        if on_ready:
            on_ready(served)
        await asyncio.gather(*(asyncio.shield(task) for task in tasks))
    finally:
        for server, _ in pairs:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


def _bound(host: str, port: int, flag: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(128)
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot listen on {host}:{port}: {reason}; choose another with --bind-address or --rpc-port (tried for {flag})",
            host=host,
            port=port,
        ) from error
    return bound


def _address(host: str, bound: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{bound.getsockname()[1]}"
