"""The outside: clusters over JSON-RPC (`rpc`), venues' public APIs (`apis`), keypair files (`signers`), token lists (`tokens`)."""

from __future__ import annotations

import sys

# httpx imports its own command line with itself, and with that click, rich and pygments: an eighth of what a worker takes to be at
# work again after a kill. Without it `httpx.main` says that it is not installed; nothing else needs it.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
