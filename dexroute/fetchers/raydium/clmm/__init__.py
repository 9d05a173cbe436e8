"""Raydium CLMM: concentrated liquidity."""
