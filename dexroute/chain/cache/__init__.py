"""Accounts kept between quotes: in this process, or in Redis where several share them (`AccountCache`, dexroute/ports.py)."""

from __future__ import annotations

from dexroute.chain.cache.memory import MemoryCache

__all__ = ["MemoryCache"]
