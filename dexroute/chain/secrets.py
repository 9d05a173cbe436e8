"""Keeping the credentials in an endpoint's URL out of messages and logs."""

from __future__ import annotations

import logging
import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from dexroute.config import redact_url

_SHOWN: Final = 300
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SHORTEST_SECRET: Final = 6  # shorter path parts are words like "v1" or "rpc"


class UrlSecrets:
    """Everything in a URL that may be a credential, to be struck out of foreign text."""

    __slots__ = ("_found",)

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        found = {parts.username, parts.password, parts.query, parts.fragment, *(value for _, value in parse_qsl(parts.query))}
        found |= {part for part in parts.path.split("/") if len(part) >= _SHORTEST_SECRET}
        found |= {unquote(secret) for secret in found if secret}
        self._found = sorted((secret for secret in found if secret), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"UrlSecrets({len(self._found)})"

    def scrub(self, text: str) -> str:
        """Foreign text fit for a terminal: credentials struck out, control characters gone, of bounded length."""
        for secret in self._found:
            text = text.replace(secret, "***")
        text = _UNPRINTABLE.sub(" ", text).strip()
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class _RedactUrls(logging.Filter):
    """httpx logs each request with its whole URL, API key included."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(redact_url(str(arg)) if _is_url(arg) else arg for arg in record.args)
        return True


def _is_url(value: object) -> bool:
    return type(value).__name__ == "URL" or (isinstance(value, str) and "://" in value)


_FILTER: Final = _RedactUrls()


def quiet_http_logs() -> None:
    """Redact URLs in httpx's log records, in this process, whoever reads them. Idempotent."""
    logging.getLogger("httpx").addFilter(_FILTER)
