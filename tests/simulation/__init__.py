"""Deterministic simulation: the real executor on virtual time, on a chain and a journal that misbehave by a seed."""
