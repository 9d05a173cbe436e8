"""Keys, wherever they are kept: a solana keypair file, the same encrypted, the system's keychain, another process or machine.

All satisfy `dexroute.ports.Signer`. `open_signer` finds out which one a setting means.
"""

from __future__ import annotations

from dexroute.chain.signers.encrypted import EncryptedSigner, Passphrase
from dexroute.chain.signers.keypair import KeypairSigner
from dexroute.chain.signers.locating import open_signer

__all__ = ["EncryptedSigner", "KeypairSigner", "Passphrase", "open_signer"]
