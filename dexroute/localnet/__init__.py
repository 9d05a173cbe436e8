"""The embedded cluster: LiteSVM behind Solana JSON-RPC, in process or served.

Only the sysvars, the programs LiteSVM brings (SPL Token, Token-2022, associated accounts, memo, lookup tables, loaders), wrapped
SOL and the dexroute pool program are there from the start. Nobody votes, no rent is collected, and there
is one leader: this process.
"""

from __future__ import annotations

from dexroute.localnet.cluster import EmbeddedCluster
from dexroute.localnet.options import ClusterOptions
from dexroute.localnet.serving import DEFAULT_RPC_PORT, ServedAt, serve

__all__ = ["DEFAULT_RPC_PORT", "ClusterOptions", "EmbeddedCluster", "ServedAt", "serve"]
