"""Which signer a setting means."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dexroute.chain.signers.encrypted import EncryptedSigner, Passphrase, parse
from dexroute.chain.signers.keypair import KeypairSigner, read_private
from dexroute.ports import Signer

KEYCHAIN: Final = "keychain:"
REMOTE: Final = "remote:"


def open_signer(named: str, passphrase: Passphrase, *, timeout_ms: int = 10_000) -> Signer:
    """`keychain:NAME`, `remote:URL`, or the path of a keypair file, plain or encrypted (its content tells). Raises KeypairError."""
    if named.startswith(KEYCHAIN):
        from dexroute.chain.signers.keychain import load_from_keychain

        return load_from_keychain(named.removeprefix(KEYCHAIN))
    if named.startswith(REMOTE):
        from dexroute.chain.signers.remote import RemoteSigner

        return RemoteSigner.connect(named.removeprefix(REMOTE), timeout_ms=timeout_ms)
    path = Path(named)
    document = parse(read_private(path))
    return KeypairSigner.load(path) if document is None else EncryptedSigner(path, document, passphrase)
