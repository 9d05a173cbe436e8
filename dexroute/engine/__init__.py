"""From quotes to a landed transaction: `routing` (which pools) -> `planning` (which instructions) -> `execution` (exactly once)."""
