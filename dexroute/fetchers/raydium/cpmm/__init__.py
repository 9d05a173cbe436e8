"""Raydium CPMM: constant-product pools with a trade fee and an optional creator fee (program CPMMoo8L...)."""
