"""The outside: clusters over JSON-RPC (`rpc`), venues' public APIs (`apis`), keypair files (`signers`), token lists (`tokens`)."""

from __future__ import annotations

import sys

# httpx imports its own command line with itself, and with that click, rich and pygments. Importing our RPC client takes 0.53 s of
# processor time with it and 0.29 s without (one shared core; `dex --help` imports neither): a tenth of a quote that prints JSON, an
# eighth of what a worker takes to be at work again after a kill. httpx foresees that its extra `cli` is not installed, which is all
# that `httpx.main` then says; nothing else needs it. Held by tests/chain/test_chain_rpc_connections.py.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
