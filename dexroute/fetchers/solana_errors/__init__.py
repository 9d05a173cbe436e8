"""Errors that are not a venue's: of the framework its program was written in, of the programs it calls, of the runtime."""
