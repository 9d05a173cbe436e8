"""Asking a person for the passphrase of an encrypted keypair."""

from __future__ import annotations

import sys

from dexroute.errors import KeypairError


def type_passphrase(path: str) -> str:
    """From the environment, or typed on the terminal without being shown. Raises KeypairError."""
    from dexroute.config.passphrase import environment_passphrase, passphrase_given

    given = passphrase_given()
    if given is not None or not sys.stdin.isatty():
        return given if given is not None else environment_passphrase(path)
    import getpass

    return getpass.getpass(f"passphrase of {path}: ")


def choose_passphrase(path: str) -> str:
    """For a new file: from the environment, or typed twice. Raises KeypairError."""
    from dexroute.config.passphrase import environment_passphrase, passphrase_given

    if passphrase_given() is not None or not sys.stdin.isatty():
        return environment_passphrase(path)
    import getpass

    chosen = getpass.getpass(f"new passphrase for {path}: ")
    if getpass.getpass("again: ") != chosen:
        raise KeypairError("the two passphrases differ; nothing was written")
    return chosen
