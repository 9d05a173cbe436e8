"""The on-chain programs, and the Python side that predicts them."""
