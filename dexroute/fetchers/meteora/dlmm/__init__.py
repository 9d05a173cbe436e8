"""Meteora DLMM: constant-price bins over bin arrays, a fee that follows volatility, limit orders in bins (program LBUZ...)."""
