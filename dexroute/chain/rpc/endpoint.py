"""One JSON-RPC call over HTTP: bounded in time and size, every failure a typed error."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import httpx
from solders.hash import Hash

from dexroute.chain.rpc.batches import Questions, Reply
from dexroute.chain.rpc.connections import Connections
from dexroute.chain.rpc.failures import REFUSED_ACCESS, from_http_status, from_json_rpc, retry_after_ms
from dexroute.chain.rpc.fields import Field
from dexroute.chain.rpc.health import EndpointHealth, TokenBucket, monotonic_ms
from dexroute.chain.secrets import UrlSecrets, quiet_http_logs
from dexroute.chain.whole_calls import WholeCalls
from dexroute.config import EMBEDDED, is_loopback, redact_url
from dexroute.errors import ConfigError, NetworkError, RpcError, RpcUnreachable

_TELL_SLOT: Final = frozenset({"getMultipleAccounts", "getLatestBlockhash", "simulateTransaction"})  # at the commitment of reads
LARGEST_ANSWER: Final = 256 * 2**20  # bytes; getProgramAccounts is the only one anywhere near


class JsonRpcEndpoint:
    """A JSON-RPC server at `url`, or behind `transport` (the embedded cluster). Makes each call once: no retries here. With
    `in_batches` calls made at the same moment may share a request."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None,
        timeout_ms: int,
        largest_answer: int = LARGEST_ANSWER,
        rate_per_s: int = 0,
        in_batches: bool = True,
    ) -> None:
        if url == EMBEDDED and transport is None:
            raise ConfigError("the embedded cluster has no URL to connect to; open it with its transport")
        self.name = redact_url(url)
        self._secrets = UrlSecrets(url)
        self._timeout_s = timeout_ms / 1000
        self._largest_answer = largest_answer
        self.asked: Counter[str] = Counter()  # requests made so far by method, retries among them
        self.health = EndpointHealth()
        self.bucket = TokenBucket(rate_per_s)
        self._demanded: Hash | None = None
        self._calls = WholeCalls(self._timeout_s)
        self._questions = Questions(self._post, self._turn, in_batches=in_batches)
        quiet_http_logs()
        try:
            self._url = httpx.URL("http://embedded/" if url == EMBEDDED else url)
        except httpx.InvalidURL as error:
            raise ConfigError(f"endpoint {self.name}: not a valid URL: {self._secrets.scrub(str(error))}") from None
        trust_env = not is_loopback(url)  # a proxy of the environment cannot reach this machine's own ports
        # the certificates of all authorities take longer to read than many a call: once, and not for a server without TLS
        tls = httpx.create_ssl_context(trust_env=trust_env) if transport is None and self._url.scheme == "https" else False
        self._http = Connections(
            lambda: httpx.AsyncClient(
                transport=transport,
                timeout=self._timeout_s,
                # `_calls` bounds them; a bound here makes httpcore close what it should keep (encode/httpcore#1000)
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
                headers={"Content-Type": "application/json"},
                verify=tls,
                trust_env=trust_env,
            ),
            are_one=transport is not None,
        )

    def __repr__(self) -> str:
        return f"JsonRpcEndpoint({self.name})"

    @property
    def latency_ms(self) -> int | None:
        """Of an answered call, averaged; None before the first."""
        return self.health.latency_ms

    async def aclose(self) -> None:
        """Close the connections. The endpoint cannot be used afterwards."""
        await self._calls.aclose()
        await self._http.aclose()

    def demand(self, genesis_hash: Hash) -> None:
        """Refuse to work as soon as the node turns out to be of another cluster: it is asked before the next call."""
        self._demanded = genesis_hash

    async def call(self, method: str, params: list[Any], *, min_slot: int | None = None) -> Field:
        """The answer's `result`. Raises NetworkError; `min_slot` is the caller's to check here."""
        if self._demanded is not None:
            await self._prove_cluster(self._demanded)
        return await self._measured(method, params)

    async def _prove_cluster(self, demanded: Hash) -> None:
        found = (await self._measured("getGenesisHash", [])).hash()
        if found != demanded:
            raise RpcError(
                f"{self.name} is of another cluster (genesis hash {found}, not {demanded}); take it out of the settings",
                endpoint=self.name,
                genesis_hash=str(found),
                foreign=True,
            )
        self._demanded = None

    async def _turn(self, method: str) -> None:
        await self.bucket.take()
        self.asked[method] += 1

    async def _measured(self, method: str, params: list[Any]) -> Field:
        await self._turn(method)
        started_ms = monotonic_ms()
        try:
            answer = await self._once(method, params)
        except NetworkError as error:
            if isinstance(error, RpcError) and "rpc_code" in error.context and not error.context.get("unsupported"):
                self.health.answered(monotonic_ms() - started_ms)  # the question was at fault, or the transaction
            else:
                self.health.failed(error)
            raise
        self.health.answered(monotonic_ms() - started_ms)
        if method in _TELL_SLOT and (context := answer.get("context")) is not None:
            self.health.saw_slot(context["slot"].uint())
        return answer

    async def _once(self, method: str, params: list[Any]) -> Field:
        try:
            # httpx bounds each read; a server that drips a byte now and then would still hold us forever.
            reply = await self._questions.ask(method, params)
        except (TimeoutError, httpx.TimeoutException):
            raise RpcUnreachable(
                f"{method}: {self.name} did not answer within {self._timeout_s:g} s; try again or use another endpoint (-u)",
                method=method,
                endpoint=self.name,
                reason="timeout",
            ) from None
        except httpx.HTTPError as error:
            # `from None`: the cause's traceback may hold the URL.
            reason = self._secrets.scrub(str(error)) or type(error).__name__
            raise RpcUnreachable(
                f"{method}: cannot reach {self.name}: {reason}; check the address (-u) and your connection",
                method=method,
                endpoint=self.name,
                reason=reason,
            ) from None
        except _TooLong:
            raise RpcError(
                f"{method}: {self.name} sends more than {self._largest_answer} bytes; the answer is refused",
                method=method,
                endpoint=self.name,
                malformed=True,
            ) from None
        return self._result(method, reply)

    async def _post(self, body: bytes) -> tuple[httpx.Response, bytes]:
        async def whole() -> tuple[httpx.Response, bytes]:
            content = bytearray()
            async with self._http.one() as http, http.stream("POST", self._url, content=body) as response:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > self._largest_answer:
                        raise _TooLong
            return response, bytes(content)

        return await self._calls.run(whole)

    def _result(self, method: str, reply: Reply) -> Field:
        wait_ms = retry_after_ms(reply.headers.get("retry-after"))
        failure = reply.answer.get("error") if reply.answer is not None else None
        code, message = (None, "") if failure is None else _error_parts(failure)
        # whatever the body calls it, JSON-RPC or not, a refusal of access is the endpoint's and not the question's
        if reply.status in (429, *REFUSED_ACCESS) or (reply.status != 200 and code is None):
            raise from_http_status(method, self.name, reply.status, retry_after_ms=wait_ms, said=self._secrets.scrub(message))
        if reply.answer is None:
            kind = self._secrets.scrub(reply.headers.get("content-type", "of no stated type"))
            raise RpcError(
                f"{method}: {self.name} answered {reply.size} bytes ({kind}), no JSON object; is this a JSON-RPC endpoint?",
                method=method,
                endpoint=self.name,
                malformed=True,
            )
        if failure is not None:
            raise from_json_rpc(method, self.name, code, self._secrets.scrub(message), retry_after_ms=wait_ms)
        if reply.answer.get("id") not in (None, reply.call_id, str(reply.call_id)):
            raise Field(method, "id", reply.answer["id"]).wrong(f"{reply.call_id}, the id of the question")
        return Field(method, "answer", reply.answer)["result"]


class _TooLong(Exception):
    """An answer of more bytes than are taken."""


def _error_parts(failure: Any) -> tuple[int | None, str]:
    if not isinstance(failure, dict):
        return None, str(failure)
    code = failure.get("code")
    return (code if type(code) is int else None), str(failure.get("message") or "no message")
