"""Raydium AMM v4: constant-product pools born beside an OpenBook market (program 675kPX9M...)."""
