"""Solana JSON-RPC over the bank: one file per group of methods, none of which knows how a request arrived."""
