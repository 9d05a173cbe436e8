"""The real `dex` command against a JSON-RPC server that shares no code with dexroute."""
