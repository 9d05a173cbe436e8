"""Lists of tokens that others vouch for: read with suspicion, kept in the data directory, never above the pinned symbols."""
