"""Meteora DAMM v1: constant-product and stable pools whose tokens lie in lending vaults (program Eo7W...)."""
