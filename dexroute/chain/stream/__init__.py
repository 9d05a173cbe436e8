"""Accounts told by a node's WebSocket as they change."""

from __future__ import annotations

from dexroute.chain.stream.account_stream import AccountStream, StreamStatus
from dexroute.chain.stream.session import StreamPace

__all__ = ["AccountStream", "StreamPace", "StreamStatus"]
