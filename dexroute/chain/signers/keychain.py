"""A key in the operating system's keychain, through keyring: Keychain on macOS, Secret Service or KWallet on Linux."""

from __future__ import annotations

from typing import Any, Final

from solders.keypair import Keypair

from dexroute.chain.signers.keypair import KeypairSigner
from dexroute.errors import KeypairError

SERVICE: Final = "dexroute"


def load_from_keychain(name: str) -> KeypairSigner:
    """The key kept under `name`. Raises KeypairError: no keychain, no such entry, or not a key."""
    secret = _ask("read", name, lambda keyring: keyring.get_password(SERVICE, name))
    if secret is None:
        raise KeypairError(f"no key {name!r} in the keychain; put one there with `dex wallet new -k keychain:{name}`", name=name)
    try:
        # Nothing of the entry enters a message: it may be the better part of a key.
        return KeypairSigner(Keypair.from_base58_string(secret))
    except BaseException as error:  # solders panics on some malformed keys, which Python sees as a BaseException
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise KeypairError(f"entry {name!r} of service {SERVICE!r} in the keychain is no key", name=name) from None


def keep_in_keychain(name: str, keypair: Keypair) -> KeypairSigner:
    """Put a key under a new name. Never replaces one; raises KeypairError."""
    if _ask("read", name, lambda keyring: keyring.get_password(SERVICE, name)) is not None:
        raise KeypairError(f"the keychain already holds a key {name!r}, which is never replaced; choose another name", name=name)
    _ask("write", name, lambda keyring: keyring.set_password(SERVICE, name, str(keypair)))
    return KeypairSigner(keypair)


def _ask(what: str, name: str, question: Any) -> Any:
    if not name.isprintable() or not 0 < len(name) <= 100:
        raise KeypairError("a name in the keychain is 1 to 100 printable characters: keychain:NAME")
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise KeypairError("the keychain needs the package keyring: pip install 'dexroute[keychain]'") from None
    try:
        return question(keyring)
    except keyring.errors.NoKeyringError:
        raise KeypairError(
            "this system has no keychain that answers; use an encrypted file instead (`dex wallet new --encrypt -k PATH`)",
            name=name,
        ) from None
    except keyring.errors.KeyringError as error:
        raise KeypairError(
            f"the keychain of this system cannot {what} {name!r} ({type(error).__name__}); unlock it, or use an encrypted file",
            name=name,
        ) from None
