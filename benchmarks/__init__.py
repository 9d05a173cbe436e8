"""What dexroute costs, measured: `make bench`."""
