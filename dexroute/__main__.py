"""`python -m dexroute`: the `dex` command where its script is not on the path."""

from __future__ import annotations

from dexroute.cli import main

if __name__ == "__main__":
    main()
