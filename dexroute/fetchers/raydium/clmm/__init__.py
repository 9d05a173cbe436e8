"""Raydium CLMM: concentrated liquidity between ticks, in arrays of 60 (program CAMMCzo5...)."""
