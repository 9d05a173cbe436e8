"""Meteora DAMM v1: pools over lending vaults."""
