"""Compiled kernels: Rust that becomes WebAssembly, committed beside the Python that calls it."""
