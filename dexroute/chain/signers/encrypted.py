"""A keypair file under a passphrase: scrypt (RFC 7914) makes the key, ChaCha20-Poly1305 (RFC 8439) encrypts and authenticates.

    {"format": "dexroute-encrypted-keypair", "version": 1, "address": base58,
     "scrypt": {"n", "r", "p", "salt": base64}, "nonce": base64, "ciphertext": base64}

Everything but the ciphertext is authenticated with it. The address stands in the clear, so that quoting asks for no passphrase.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from dexroute.chain.signers.keypair import KeypairSigner, create_private, read_private
from dexroute.errors import KeypairError, WrongPassphrase

Passphrase = Callable[[str], str]
"""Gives the passphrase for the file named. Raises KeypairError when there is none to be had."""

FORMAT: Final = "dexroute-encrypted-keypair"
_SCRYPT_N: Final = 2**17  # 128 MiB and a good part of a second for every guess
_SCRYPT_R: Final = 8
# scrypt takes 128 * r * (n + p) bytes, and time by n * r * p: a hostile file must take neither the machine's memory nor the day
_MOST_N, _MOST_R, _MOST_P = 2**20, 32, 4
_MOST_BYTES: Final = 2**30 + 2**20
_SECRET_BYTES: Final = 64
_SHORTEST: Final = 8


class EncryptedSigner:
    """Knows its address at once and asks for the passphrase when it first signs, or at `unlock`."""

    def __init__(self, path: Path, document: dict[str, Any], passphrase: Passphrase) -> None:
        self._path = path
        self._document = document
        self._passphrase = passphrase
        self._unlocked: KeypairSigner | None = None
        self._pubkey = _address(document, path)

    def __repr__(self) -> str:
        return f"EncryptedSigner({self.pubkey})"

    @property
    def pubkey(self) -> Pubkey:
        return self._pubkey

    def unlock(self) -> KeypairSigner:
        """The key itself. Raises WrongPassphrase, KeypairError."""
        if self._unlocked is None:
            keypair = _decrypt(self._document, self._path, self._passphrase(str(self._path)))
            if keypair.pubkey() != self._pubkey:
                raise KeypairError(f"keypair {self._path} does not hold the key of {self._pubkey}; the file is damaged")
            self._unlocked = KeypairSigner(keypair)
        return self._unlocked

    async def sign(self, message: MessageV0) -> Signature:
        return await self.unlock().sign(message)

    @classmethod
    def load(cls, path: Path, passphrase: Passphrase) -> EncryptedSigner:
        """An encrypted keypair file. Raises KeypairError: missing, readable by others, or not of this format."""
        document = parse(read_private(path))
        if document is None:
            raise KeypairError(f"keypair {path} is no encrypted keypair file", path=str(path))
        return cls(path, document, passphrase)

    @classmethod
    def create(cls, path: Path, keypair: Keypair, passphrase: str) -> EncryptedSigner:
        """Encrypt a key into a new file (0600). Never overwrites; raises KeypairError, also for a passphrase that is too short."""
        if len(passphrase) < _SHORTEST:
            raise KeypairError(f"a passphrase needs at least {_SHORTEST} characters")
        document = _encrypt(keypair, passphrase)
        create_private(path, json.dumps(document, indent=1).encode() + b"\n")
        return cls(path, document, lambda _: passphrase)


def parse(content: bytes) -> dict[str, Any] | None:
    """The document of an encrypted keypair file; None for any other content."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("format") == FORMAT else None


def _encrypt(keypair: Keypair, passphrase: str) -> dict[str, Any]:
    salt, nonce = os.urandom(16), os.urandom(12)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": 1,
        "address": str(keypair.pubkey()),
        "scrypt": {"n": _SCRYPT_N, "r": _SCRYPT_R, "p": 1, "salt": base64.b64encode(salt).decode()},
        "nonce": base64.b64encode(nonce).decode(),
    }
    key = _key(passphrase, salt, _SCRYPT_N, _SCRYPT_R, 1)
    sealed = _cipher(key).encrypt(nonce, bytes(keypair), _header(document))
    return document | {"ciphertext": base64.b64encode(sealed).decode()}


def _decrypt(document: dict[str, Any], path: Path, passphrase: str) -> Keypair:
    try:
        if document["version"] != 1:
            raise KeypairError(f"keypair {path} is of version {document['version']!r:.20}; this dexroute reads 1", path=str(path))
        costs = document["scrypt"]
        n, r, p = costs["n"], costs["r"], costs["p"]
        salt, nonce, sealed = (
            base64.b64decode(text, validate=True) for text in (costs["salt"], document["nonce"], document["ciphertext"])
        )
        whole = all(type(number) is int for number in (n, r, p))
        if (
            not whole
            or not (2 <= n <= _MOST_N and n & (n - 1) == 0 and 1 <= r <= _MOST_R and 1 <= p <= _MOST_P)
            or 128 * r * (n + p) > _MOST_BYTES
            or len(nonce) != 12
        ):
            raise ValueError
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise KeypairError(f"keypair {path} is damaged: it is no complete {FORMAT}", path=str(path)) from None
    from cryptography.exceptions import InvalidTag

    try:
        secret = _cipher(_key(passphrase, salt, n, r, p)).decrypt(nonce, sealed, _header(document))
    except InvalidTag:
        raise WrongPassphrase(f"wrong passphrase for keypair {path}, or the file was changed", path=str(path)) from None
    if len(secret) != _SECRET_BYTES:
        raise KeypairError(f"keypair {path} does not hold a key of {_SECRET_BYTES} bytes", path=str(path))
    return Keypair.from_bytes(secret)


def _header(document: dict[str, Any]) -> bytes:
    """What is authenticated beside the ciphertext."""
    return json.dumps({key: value for key, value in document.items() if key != "ciphertext"}, sort_keys=True).encode()


def _key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    _require_cryptography()
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise KeypairError("encrypted keypairs need the package cryptography: pip install 'dexroute[encrypted]'") from None


def _address(document: dict[str, Any], path: Path) -> Pubkey:
    try:
        return Pubkey.from_string(document["address"])
    except (KeyError, TypeError, ValueError):
        raise KeypairError(f"keypair {path} is damaged: it names no address", path=str(path)) from None
