"""dexroute's own pool program: constant product, a fee that follows volatility, a price oracle (programs/pool/README.md)."""
