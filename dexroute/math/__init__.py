"""Pure integer math shared by venues."""
