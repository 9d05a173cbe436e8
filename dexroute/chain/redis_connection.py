"""A connection to the Redis server of `redis_url`: quick to give up, silent about credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from dexroute.chain.secrets import UrlSecrets
from dexroute.config import redact_url
from dexroute.errors import ConfigError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_TIMEOUT_S: Final = 0.5  # what is shared there only saves time: slower than this it saves none


@asynccontextmanager
async def connect_redis(url: str) -> AsyncIterator[Redis]:
    """A client for the server at `url` while the block lasts; it connects when first asked. Raises ConfigError."""
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
    except ImportError:
        raise ConfigError("redis_url is set, and the redis package is not installed: pip install 'dexroute[redis]'") from None
    try:
        redis = Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0), protocol=2
        )
        pool = redis.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # connects to nothing, but takes what the URL's query says
    except (ValueError, TypeError) as error:
        raise ConfigError(f"redis_url {redact_url(url)}: {UrlSecrets(url).scrub(str(error))}") from None
    try:
        yield redis
    finally:
        with suppress(RedisError, OSError):
            await redis.aclose()
