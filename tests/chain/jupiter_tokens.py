"""Token objects in the shapes Jupiter's APIs answer in."""

from __future__ import annotations

from typing import Any

from solders.pubkey import Pubkey


def token_v2(**changes: Any) -> dict[str, Any]:
    """Of the shape in dev.jup.ag/api-reference/tokens/v2/tag."""
    return {
        "id": str(Pubkey.new_unique()),
        "name": "Foo",
        "symbol": "FOO",
        "icon": "https://static.jup.ag/foo/icon.png",
        "decimals": 6,
        "tokenProgram": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
        "createdAt": "2024-06-07T10:56:42.584Z",
        "circSupply": 3243891294.88,
        "firstPool": {"id": "2pspvjWWaf3dNgt3jsgSzFCNvMGPb7t8FrEYvLGjvcCe", "createdAt": "2024-01-29T17:33:29Z"},
        "audit": {"mintAuthorityDisabled": True, "topHoldersPercentage": 15.45},
        "organicScore": 97.98,
        "isVerified": True,
        "tags": ["community", "strict", "verified"],
        "usdPrice": 0.1415,
        "updatedAt": "2026-02-23T04:55:12.461Z",
    } | changes


def token_v1(**changes: Any) -> dict[str, Any]:
    """Of the shape tokens.jup.ag answered in."""
    return {
        "address": str(Pubkey.new_unique()),
        "name": "Foo",
        "symbol": "FOO",
        "decimals": 6,
        "logoURI": "https://static.jup.ag/foo/icon.png",
        "tags": ["verified", "strict", "community", "birdeye-trending"],
        "daily_volume": 79535977.0513354,
        "created_at": "2024-04-26T10:56:58.893768Z",
        "freeze_authority": None,
        "mint_authority": None,
        "permanent_delegate": None,
        "extensions": {"coingeckoId": "foo"},
    } | changes
