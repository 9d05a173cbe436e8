"""`Dex` over the embedded cluster."""
