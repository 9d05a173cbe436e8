"""A key somewhere else, asked over HTTP: another process through a unix socket, or another machine.

    GET  {url}        -> {"pubkey": base58}
    POST {url}/sign   {"pubkey": base58, "message": base64} -> {"signature": base58}

The signer must only sign, never send. ed25519 signs the same message with the same key the same way every time, so asking again
after a lost answer changes nothing: failures of transport are retried, and every signature is verified before it counts.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.chain.retry import RetryPolicy, with_retries
from dexroute.chain.secrets import UrlSecrets, quiet_http_logs
from dexroute.config import is_loopback, redact_url
from dexroute.errors import KeypairError, RpcUnreachable, SignerUnavailable

_RETRY: Final = RetryPolicy(attempts=3, total_ms=20_000)
_LARGEST_ANSWER: Final = 64 * 1024
_UNIX: Final = "unix:"


class RemoteSigner:
    """Signs by asking. Every answer is checked: the signature must be of its public key over the message asked about."""

    def __init__(
        self, url: str, pubkey: Pubkey, *, timeout_ms: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._where = _Where(url)
        self._pubkey = pubkey
        self._timeout_s = timeout_ms / 1000
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"RemoteSigner({self._pubkey} at {self._where.name})"

    @property
    def pubkey(self) -> Pubkey:
        return self._pubkey

    @classmethod
    def connect(cls, url: str, *, timeout_ms: int = 10_000) -> RemoteSigner:
        """Ask the signer at `url` for its public key. Waits for the answer: under an event loop, call it in a thread. Raises
        KeypairError for a URL that would show messages to others on the way, SignerUnavailable."""
        where = _Where(url)
        until = monotonic() + timeout_ms / 1000
        content = bytearray()
        try:
            with (
                httpx.Client(transport=where.transport(), timeout=timeout_ms / 1000, trust_env=where.trust_env) as http,
                http.stream("GET", where.url) as response,
            ):
                for chunk in response.iter_bytes():
                    where.take(content, chunk)
                    if monotonic() > until:  # httpx bounds each read; a server that drips would still hold us
                        raise TimeoutError
            answer = where.document(response.status_code, bytes(content))
        except (httpx.HTTPError, TimeoutError) as error:
            raise where.unavailable(error, timeout_ms / 1000) from None
        try:
            return cls(url, Pubkey.from_string(answer["pubkey"]), timeout_ms=timeout_ms)
        except (KeyError, TypeError, ValueError):
            raise where.unusable("does not tell its public key") from None

    async def sign(self, message: MessageV0) -> Signature:
        """The signature. Raises SignerUnavailable after retries, and for an answer that is no signature of this message."""
        wire = to_bytes_versioned(message)
        asked = {"pubkey": str(self._pubkey), "message": base64.b64encode(wire).decode()}

        async def once() -> dict[str, Any]:
            content = bytearray()
            try:
                transport = self._where.transport(asynchronous=True)
                async with (
                    asyncio.timeout(self._timeout_s),
                    httpx.AsyncClient(transport=transport, timeout=self._timeout_s, trust_env=self._where.trust_env) as http,
                    http.stream("POST", self._where.sign_url, json=asked) as response,
                ):
                    async for chunk in response.aiter_bytes():
                        self._where.take(content, chunk)
                return self._where.document(response.status_code, bytes(content))
            except (httpx.HTTPError, TimeoutError) as error:
                raise RpcUnreachable(str(self._where.unavailable(error, self._timeout_s))) from None

        try:
            answer = await with_retries(once, _RETRY, sleep=self._sleep)
        except RpcUnreachable as error:
            raise SignerUnavailable(error.message, signer=self._where.name) from None
        try:
            signature = Signature.from_string(answer["signature"])
        except (KeyError, TypeError, ValueError):
            raise self._where.unusable("answered without a signature") from None
        if not signature.verify(self._pubkey, wire):
            raise self._where.unusable(f"answered with a signature that is not of {self._pubkey} over the message it got")
        return signature


class _Where:
    """`https://...`, `http://` to this machine, or `unix:/path/to/socket`."""

    def __init__(self, url: str) -> None:
        quiet_http_logs()
        self._secrets = UrlSecrets(url)
        self._socket = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self.name = url if self._socket else redact_url(url)
        parts = urlsplit(url)
        if not self._socket and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise KeypairError(f"remote signer {self.name}: give remote:https://HOST or remote:unix:/PATH")
        if not self._socket and parts.scheme == "http" and not is_loopback(url):
            raise KeypairError(f"remote signer {self.name}: plain http shows orders to the network; use https or a unix socket")
        base = urlsplit("http://signer") if self._socket else parts
        path = base.path.rstrip("/")
        self.url, self.sign_url = (base._replace(path=path + more).geturl() for more in ("", "/sign"))
        self.trust_env = not self._socket and not is_loopback(url)

    def transport(self, *, asynchronous: bool = False) -> Any:
        if self._socket is None:
            return None
        return (httpx.AsyncHTTPTransport if asynchronous else httpx.HTTPTransport)(uds=self._socket)

    def take(self, content: bytearray, chunk: bytes) -> None:
        """Raises SignerUnavailable for more than any answer takes."""
        content += chunk
        if len(content) > _LARGEST_ANSWER:
            raise self.unusable(f"answers with more than {_LARGEST_ANSWER} bytes")

    def document(self, status: int, content: bytes) -> dict[str, Any]:
        """Raises SignerUnavailable for a refusal or nonsense; httpx.HTTPError for a signer out of order, which may come back."""
        if status >= 500 or status == 429:
            raise httpx.ReadError(f"HTTP {status}")
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if status != 200:
            reason = answer.get("error") if isinstance(answer, dict) else None
            said = f": {self._secrets.scrub(reason)}" if isinstance(reason, str) else ""
            raise self.unusable(f"refuses (HTTP {status}{said})")
        if not isinstance(answer, dict):
            raise self.unusable("answered no JSON object")
        return answer

    def unusable(self, what: str) -> SignerUnavailable:
        """What it answered is of no use."""
        return SignerUnavailable(
            f"remote signer {self.name} {what}; nothing was sent. Look into its own log, or name another key (-k)", signer=self.name
        )

    def unavailable(self, error: Exception, timeout_s: float) -> SignerUnavailable:
        late = isinstance(error, (TimeoutError, httpx.TimeoutException))
        reason = f"within {timeout_s:g} s" if late else f"({self._secrets.scrub(str(error)) or type(error).__name__})"
        return SignerUnavailable(
            f"remote signer {self.name} does not answer {reason}; nothing was sent. See that it runs, or name another key (-k)",
            signer=self.name,
        )
