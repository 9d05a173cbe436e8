"""Our code against the real programs, executed in LiteSVM."""
