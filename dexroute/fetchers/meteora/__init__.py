"""Meteora's programs, one folder each."""
