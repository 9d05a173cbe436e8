"""Raydium's programs, one folder each."""
