"""A Solana cluster through JSON-RPC over HTTP."""

from __future__ import annotations

from dexroute.chain.rpc.client import RpcClient
from dexroute.chain.rpc.failures import is_unsupported

__all__ = ["RpcClient", "is_unsupported"]
