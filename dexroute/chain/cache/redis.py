"""The account cache that processes on one Redis share.

One hash a set (`slot`, `at_ms`, `accounts`), written and read whole by scripts: nobody sees half of one, and none steps back in
slots. Age is counted from the newest slot any process wrote (`tip`) and by the server's clock: hosts need not agree on time.
Expiry by that clock only clears away what nobody asks for any more. Keys are of one cluster, commitment and layout:
`dexroute:1:{GENESIS:COMMITMENT}:set:POOLS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from solders.pubkey import Pubkey

from dexroute.chain.cache.codec import LARGEST_SET, decode_set, encode_set
from dexroute.chain.cache.memory import set_key
from dexroute.chain.cache.slot_age import SlotObserved, age_slots
from dexroute.chain.redis_connection import connect_redis
from dexroute.chain.secrets import UrlSecrets
from dexroute.config import redact_url
from dexroute.errors import CacheDamaged, CacheUnavailable
from dexroute.ports import Clock
from dexroute.types.chain import AccountsAtSlot, AccountSource, Commitment, KeptAccounts

if TYPE_CHECKING:
    from redis.asyncio import Redis

Answer = TypeVar("Answer")

_LAYOUT: Final = 1
_PAUSE_MS: Final = 10_000
_SET_EXPIRY_MS: Final = 24 * 3600 * 1000  # old sets still tell which accounts pools take
_TIP_EXPIRY_MS: Final = 10 * 60 * 1000
_HELD_MS: Final = 60 * 1000  # for so long a slot nobody else reaches keeps others out
_SKEW_MS: Final = 60 * 1000

_KEEP: Final = f"""
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local function held(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then return nil end
  if kind ~= 'hash' then redis.call('DEL', key) return nil end
  return tonumber(redis.call('HGET', key, 'slot'))
end
local slot, tip, before = tonumber(ARGV[1]), held(KEYS[2]), held(KEYS[1])
if not tip or slot >= tip then
  redis.call('HSET', KEYS[2], 'slot', ARGV[1], 'at_ms', string.format('%.0f', ms))
  redis.call('PEXPIRE', KEYS[2], {_TIP_EXPIRY_MS})
end
if before and before > slot and ms - (tonumber(redis.call('HGET', KEYS[1], 'at_ms')) or 0) < {_HELD_MS} then return 0 end
redis.call('HSET', KEYS[1], 'slot', ARGV[1], 'at_ms', string.format('%.0f', ms), 'accounts', ARGV[2])
redis.call('PEXPIRE', KEYS[1], {_SET_EXPIRY_MS})
return 1
"""
_LATEST: Final = f"""
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
if kind ~= 'hash' then return {{'foreign', kind}} end
if redis.call('HSTRLEN', KEYS[1], 'accounts') > {LARGEST_SET} then return {{'foreign', 'more bytes than a set can have'}} end
local tip = {{false, false}}
if redis.call('TYPE', KEYS[2]).ok == 'hash' then tip = redis.call('HMGET', KEYS[2], 'slot', 'at_ms') end
local now = redis.call('TIME')
local set = redis.call('HMGET', KEYS[1], 'at_ms', 'accounts')
return {{'set', set[1], set[2], tip[1], tip[2], string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))}}
"""


class RedisCache:
    """`AccountCache` on a Redis server. A server that does not answer is left alone for a while: CacheUnavailable at once."""

    def __init__(self, redis: Redis, url: str, clock: Clock, *, genesis_hash: str, commitment: Commitment) -> None:
        self.endpoint = redact_url(url)
        self._secrets = UrlSecrets(url)
        self._redis = redis
        self._clock = clock
        self._names = f"dexroute:{_LAYOUT}:{{{genesis_hash}:{commitment}}}"
        self._keep = redis.register_script(_KEEP)
        self._latest = redis.register_script(_LATEST)
        self._paused_until_ms: int | None = None
        self._trouble = ""

    async def latest(self, pools: Collection[Pubkey]) -> KeptAccounts | None:
        answer = await self._asked(lambda: self._latest(keys=self._keys(pools)))
        if not answer:
            return None
        if answer[0] != b"set":
            raise CacheDamaged(f"{self.endpoint} holds {answer[1].decode(errors='replace')} under a key of the account cache")
        read = decode_set(answer[2] or b"")
        written_ms, tip_slot, tip_ms, now_ms = map(_number, (answer[1], answer[3], answer[4], answer[5]))
        if written_ms is None or now_ms is None or written_ms > now_ms + _SKEW_MS:
            raise CacheDamaged(f"{self.endpoint} holds a set of accounts from no time known to it")
        tip = SlotObserved(slot=read.slot, at_ms=written_ms)
        if tip_slot is not None and tip_ms is not None and tip_slot >= read.slot:
            tip = SlotObserved(slot=tip_slot, at_ms=min(tip_ms, now_ms))
        return KeptAccounts(
            slot=read.slot, accounts=read.accounts, age_slots=age_slots(read.slot, tip, now_ms), source=AccountSource.CACHE
        )

    async def keep(self, pools: Collection[Pubkey], read: AccountsAtSlot) -> None:
        value = encode_set(read)
        if value is not None:
            await self._asked(lambda: self._keep(keys=self._keys(pools), args=[read.slot, value]))

    async def version(self) -> str:
        """The server's version, for diagnosis. Raises CacheUnavailable."""
        told: dict[str, Any] = await self._asked(lambda: self._redis.info("server"))
        return str(told.get("redis_version", "unknown"))

    def _keys(self, pools: Collection[Pubkey]) -> list[str]:
        return [f"{self._names}:set:{set_key(pools).hex()}", f"{self._names}:tip"]

    async def _asked(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        from redis.exceptions import RedisError

        if self._paused_until_ms is not None:
            if self._clock.monotonic_ms() < self._paused_until_ms:
                raise self._unavailable()
            self._paused_until_ms = None
        try:
            return await question()
        except (RedisError, OSError) as error:
            # `from None`: the cause may hold the URL.
            self._trouble = self._secrets.scrub(str(error)) or type(error).__name__
            self._paused_until_ms = self._clock.monotonic_ms() + _PAUSE_MS
            raise self._unavailable() from None

    def _unavailable(self) -> CacheUnavailable:
        return CacheUnavailable(
            f"the shared account cache {self.endpoint} does not answer: {self._trouble}; quotes go on without it",
            endpoint=self.endpoint,
            reason=self._trouble,
        )


@asynccontextmanager
async def open_redis(url: str, clock: Clock, *, genesis_hash: str, commitment: Commitment) -> AsyncIterator[RedisCache]:
    """The cache at `url`, open while the block lasts; it connects when first asked. Raises ConfigError."""
    async with connect_redis(url) as redis:
        yield RedisCache(redis, url, clock, genesis_hash=genesis_hash, commitment=commitment)


def _number(text: bytes | None) -> int | None:
    return int(text) if text is not None and text.isdigit() and len(text) <= 20 else None
