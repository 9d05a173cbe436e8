"""On-chain programs, one folder each, and `toolchain`, which builds them."""
