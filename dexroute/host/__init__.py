"""This machine: its clock, locks between its processes, and files only their owner can read. Knows nothing of Solana."""
