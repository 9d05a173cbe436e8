"""Keypair files: made private, refused when they are not, never overwritten, never shown."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from dexroute.chain.signers import KeypairSigner
from dexroute.errors import KeypairError


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The least careful user."""
    before = os.umask(0)
    yield
    os.umask(before)


def private(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def test_created_private_whatever_the_umask(tmp_path: Path, open_umask: None) -> None:
    path = tmp_path / "new" / "id.json"
    signer = KeypairSigner.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path], "no draft is left"
    assert KeypairSigner.load(path).pubkey == signer.pubkey
    # the solana CLI's own format
    assert Keypair.from_json(path.read_text()).pubkey() == signer.pubkey


def test_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "id.json"
    first = KeypairSigner.create(path)
    with pytest.raises(KeypairError, match="already exists"):
        KeypairSigner.create(path)
    assert KeypairSigner.load(path).pubkey == first.pubkey
    dangling = tmp_path / "link.json"
    dangling.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(KeypairError, match="already exists"):
        KeypairSigner.create(dangling)
    assert not (tmp_path / "elsewhere.json").exists()
    assert sorted(tmp_path.iterdir()) == [path, dangling]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeypairError, match="cannot be written"):
        KeypairSigner.create(tmp_path / "file" / "id.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o777])
def test_files_open_to_others_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "id.json"
    KeypairSigner.create(path)
    path.chmod(mode)
    with pytest.raises(KeypairError, match=f"chmod 600 {path}") as caught:
        KeypairSigner.load(path)
    assert caught.value.context["mode"] == f"{mode:04o}"


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(KeypairError, match="dex wallet new"):
        KeypairSigner.load(tmp_path / "id.json")


def test_what_is_no_file_does_not_hang(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path in (fifo, tmp_path, Path("/dev/zero")):
        with pytest.raises(KeypairError, match="not a regular file"):
            KeypairSigner.load(path)


SECRET = list(bytes(Keypair()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"not json",
        b"\xff\xfe",
        b"[" * 4_000,
        b" " * 5_000,
        json.dumps(SECRET[:63]),
        json.dumps([*SECRET, 1]),
        json.dumps([*SECRET[:63], 256]),
        json.dumps([*SECRET[:63], -1]),
        json.dumps([*SECRET[:63], 1.0]),
        json.dumps([*SECRET[:63], True]),
        json.dumps([*SECRET[:63], "1"]),
        json.dumps([SECRET[0] ^ 1, *SECRET[1:]]),
        json.dumps([*SECRET[:63], SECRET[63] ^ 1]),
        json.dumps(bytes(SECRET).hex()),
        b"9" * 4_096,
    ],
)
def test_malformed_files_are_refused_without_a_word_of_their_content(tmp_path: Path, content: str | bytes) -> None:
    path = private(tmp_path / "id.json", content)
    with pytest.raises(KeypairError) as caught:
        KeypairSigner.load(path)
    said = f"{caught.value}{caught.value.context}{caught.value.__cause__}"
    assert str(path) in said
    assert str(SECRET[:3])[1:-1] not in said
    assert bytes(SECRET).hex() not in said


def test_shows_its_public_key_only(tmp_path: Path) -> None:
    signer = KeypairSigner.create(tmp_path / "id.json")
    assert repr(signer) == f"KeypairSigner({signer.pubkey})"
    assert not hasattr(signer, "__dict__")


async def test_signs_a_message_as_it_goes_over_the_wire(tmp_path: Path) -> None:
    signer = KeypairSigner.create(tmp_path / "id.json")
    pay = transfer(TransferParams(from_pubkey=signer.pubkey, to_pubkey=Pubkey.new_unique(), lamports=1))
    message = MessageV0.try_compile(signer.pubkey, [pay], [], Hash.new_unique())
    signature = await signer.sign(message)
    assert signature.verify(signer.pubkey, b"\x80" + bytes(message))
    assert VersionedTransaction.populate(message, [signature]).verify_with_results() == [True]
