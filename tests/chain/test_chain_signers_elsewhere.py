"""Keys that are not in a plain file: encrypted, in a keychain, behind a socket. Never shown, never believed unchecked."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeychain
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from dexroute.chain.signers import EncryptedSigner, KeypairSigner, open_signer
from dexroute.chain.signers import encrypted as encryption
from dexroute.chain.signers.keychain import SERVICE, keep_in_keychain
from dexroute.chain.signers.remote import RemoteSigner
from dexroute.config.passphrase import passphrase_given
from dexroute.errors import KeypairError, SignerUnavailable, WrongPassphrase

PASSPHRASE = "correct horse battery"


def message(payer: Pubkey) -> MessageV0:
    gift = transfer(TransferParams(from_pubkey=payer, to_pubkey=Pubkey.new_unique(), lamports=1))
    return MessageV0.try_compile(payer, [gift], [], Hash.default())


def nobody(path: str) -> str:
    raise AssertionError(f"asked for the passphrase of {path}")


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a guess is for attackers, not for tests."""
    monkeypatch.setattr(encryption, "_SCRYPT_N", 2**10)


# the encrypted file


async def test_an_encrypted_key_is_private_knows_its_address_and_asks_only_to_sign(tmp_path: Path) -> None:
    path, keypair = tmp_path / "key.enc", Keypair()
    EncryptedSigner.create(path, keypair, PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_signer(str(path), nobody).pubkey == keypair.pubkey()
    asked: list[str] = []

    def passphrase(named: str) -> str:
        asked.append(named)
        return PASSPHRASE

    signer = open_signer(str(path), passphrase)
    for _ in range(2):
        swap = message(signer.pubkey)
        assert (await signer.sign(swap)).verify(keypair.pubkey(), to_bytes_versioned(swap))
    assert asked == [str(path)]


def test_no_two_files_of_one_key_are_alike_and_none_holds_it(tmp_path: Path) -> None:
    keypair = Keypair()
    contents = []
    for name in ("a", "b"):
        EncryptedSigner.create(tmp_path / name, keypair, PASSPHRASE)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] != contents[1]
    for content in contents:
        document = json.loads(content)
        assert bytes(keypair)[:32] not in base64.b64decode(document["ciphertext"]) and str(keypair).encode() not in content


async def test_a_wrong_passphrase_has_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "key.enc"
    EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    signer = open_signer(str(path), lambda _: "something else")
    with pytest.raises(WrongPassphrase, match=r"key\.enc") as wrong:
        await signer.sign(message(signer.pubkey))
    assert "something else" not in str(wrong.value) and wrong.value.exit_code == 2


@pytest.mark.parametrize("field", ["address", "nonce", "ciphertext", "salt", "n"])
def test_a_changed_file_does_not_open(tmp_path: Path, field: str) -> None:
    path = tmp_path / "key.enc"
    EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    document = json.loads(path.read_bytes())
    match field:
        case "address":
            document["address"] = str(Keypair().pubkey())
        case "n":
            document["scrypt"]["n"] = 2**11
        case "salt":
            document["scrypt"]["salt"] = base64.b64encode(bytes(16)).decode()
        case _:
            raw = bytearray(base64.b64decode(document[field]))
            raw[-1] ^= 1
            document[field] = base64.b64encode(raw).decode()
    path.write_text(json.dumps(document))
    signer = EncryptedSigner.load(path, lambda _: PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        signer.unlock()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"scrypt": {}},
        {"scrypt": {"n": 2**30, "r": 8, "p": 1, "salt": ""}},
        {"scrypt": {"n": 3, "r": 8, "p": 1, "salt": ""}},
        {"scrypt": {"n": 2.0, "r": 8, "p": 1, "salt": ""}},
        {"nonce": "AA=="},
        {"nonce": "not base64"},
        {"ciphertext": None},
        {"address": "x"},
    ],
    ids=str,
)
def test_nonsense_in_the_file_is_refused_before_it_costs_anything(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "key.enc"
    EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(KeypairError, match=r"key\.enc"):
        EncryptedSigner.load(path, lambda _: PASSPHRASE).unlock()


@pytest.mark.parametrize(
    ("n", "r", "p", "is_read"),
    [
        (2**17, 8, 1, True),  # what we write
        (2**20, 8, 4, True),  # a GiB: the most
        (2**18, 32, 4, True),
        (2**20, 9, 1, False),
        (2**21, 8, 1, False),
        (2**19, 32, 1, False),
        (2, 2**22, 4, False),  # four GiB, though n * r is small: a block of p * r beside the table of n * r
        (2, 33, 1, False),
        (2**17, 8, 5, False),
        (2**17, 0, 1, False),
        (1, 8, 1, False),
        (2**17, 8, 0, False),
        (True, 8, 1, False),
    ],
)
def test_a_hostile_file_takes_a_gib_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, r: int, p: int, is_read: bool
) -> None:
    path = tmp_path / "key.enc"
    EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    document = json.loads(path.read_bytes())
    document["scrypt"] |= {"n": n, "r": r, "p": p}
    path.write_text(json.dumps(document))
    taken: list[int] = []

    def derived(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
        taken.append(128 * r * (n + p))
        return bytes(32)

    monkeypatch.setattr(encryption, "_key", derived)
    with pytest.raises(WrongPassphrase if is_read else KeypairError) as refused:
        EncryptedSigner.load(path, lambda _: PASSPHRASE).unlock()
    assert isinstance(refused.value, WrongPassphrase) == is_read == bool(taken)
    assert all(memory <= 2**30 + 2**20 for memory in taken)


def test_an_encrypted_file_is_never_overwritten_and_a_short_passphrase_never_taken(tmp_path: Path) -> None:
    path = tmp_path / "key.enc"
    with pytest.raises(KeypairError, match="at least 8"):
        EncryptedSigner.create(path, Keypair(), "short")
    assert not path.exists()
    EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    with pytest.raises(KeypairError, match="never overwritten"):
        EncryptedSigner.create(path, Keypair(), PASSPHRASE)
    path.chmod(0o644)
    with pytest.raises(KeypairError, match="chmod 600"):
        open_signer(str(path), nobody)


def test_a_passphrase_comes_from_a_descriptor_or_the_environment(tmp_path: Path) -> None:
    assert passphrase_given({}) is None
    assert passphrase_given({"DEXROUTE_PASSPHRASE": "a b"}) == "a b"
    (tmp_path / "pass").write_text("from a file \nmore\n")
    with (tmp_path / "pass").open() as file:
        given = {"DEXROUTE_PASSPHRASE_FD": str(file.fileno()), "DEXROUTE_PASSPHRASE": "other"}
        assert passphrase_given(given) == "from a file "
    for descriptor in ("999999", "x"):
        with pytest.raises(KeypairError, match="DEXROUTE_PASSPHRASE_FD"):
            passphrase_given({"DEXROUTE_PASSPHRASE_FD": descriptor})


# the keychain


class Keychain(KeyringBackend):
    """keyring's own backend contract, over a dictionary."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("secret detail")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def keychain() -> Iterator[Keychain]:
    before = keyring.get_keyring()
    keyring.set_keyring(mine := Keychain())
    yield mine
    keyring.set_keyring(before)


async def test_a_key_in_the_keychain(keychain: Keychain) -> None:
    keypair = Keypair()
    keep_in_keychain("trading", keypair)
    signer = open_signer("keychain:trading", nobody)
    swap = message(signer.pubkey)
    assert (await signer.sign(swap)).verify(keypair.pubkey(), to_bytes_versioned(swap))
    with pytest.raises(KeypairError, match="never replaced"):
        keep_in_keychain("trading", Keypair())


def test_what_the_keychain_does_not_have_or_cannot_give(keychain: Keychain) -> None:
    with pytest.raises(KeypairError, match="dex wallet new -k keychain:absent"):
        open_signer("keychain:absent", nobody)
    for secret in ("not a key", str(Keypair())[:-4], ""):
        keychain.kept[SERVICE, "bad"] = secret
        with pytest.raises(KeypairError, match="is no key") as bad:
            open_signer("keychain:bad", nobody)
        assert not secret or secret not in str(bad.value)
    with pytest.raises(KeypairError, match="keychain:NAME"):
        open_signer("keychain:", nobody)
    keyring.set_keyring(NoKeychain())  # type: ignore[no-untyped-call]
    with pytest.raises(KeypairError, match=r"no keychain that answers.*--encrypt"):
        open_signer("keychain:bad", nobody)
    keyring.set_keyring(keychain)
    keychain.locked = True
    with pytest.raises(KeypairError, match="KeyringLocked") as locked:
        open_signer("keychain:bad", nobody)
    assert "secret detail" not in str(locked.value)


# the remote signer

Answering = Callable[[str, dict[str, Any]], tuple[int, Any]]


class Server:
    """A remote signer over HTTP/1.1 on a unix socket. `answers` replaces what it says."""

    def __init__(self, keypair: Keypair) -> None:
        self.keypair = keypair
        self.asked: list[str] = []
        self.answers: list[tuple[int, Any] | None] = []

    def answer(self, request: str, body: dict[str, Any]) -> tuple[int, Any]:
        if request.startswith("GET"):
            return 200, {"pubkey": str(self.keypair.pubkey())}
        signed = self.keypair.sign_message(base64.b64decode(body["message"]))
        return 200, {"signature": str(signed)}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        lengths = [int(line.split(":")[1]) for line in head if line.lower().startswith("content-length")]
        body = json.loads(await reader.readexactly(lengths[0])) if lengths else {}
        self.asked.append(head[0])
        scripted = self.answers.pop(0) if self.answers else self.answer(head[0], body)
        if scripted is not None:
            status, shape = scripted
            content = shape if isinstance(shape, bytes) else json.dumps(shape).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def remote(tmp_path: Path) -> AsyncIterator[tuple[Server, RemoteSigner]]:
    served, path = Server(Keypair()), tmp_path / "s"
    server = await asyncio.start_unix_server(served.serve, path)

    async def no_sleep(_: float) -> None:
        await asyncio.sleep(0)

    signer = await asyncio.to_thread(open_signer, f"remote:unix:{path}", nobody)
    assert isinstance(signer, RemoteSigner)
    signer._sleep = no_sleep
    yield served, signer
    server.close()


async def test_a_remote_signer_signs_over_a_unix_socket(tmp_path: Path) -> None:
    async with remote(tmp_path) as (server, signer):
        swap = message(signer.pubkey)
        assert (await signer.sign(swap)).verify(server.keypair.pubkey(), to_bytes_versioned(swap))
        assert server.asked == ["GET / HTTP/1.1", "POST /sign HTTP/1.1"]


async def test_what_stands_behind_the_path_of_its_url_stays_there(tmp_path: Path) -> None:
    async with remote(tmp_path) as (server, _):
        tcp = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = tcp.sockets[0].getsockname()[1]
        signer = await asyncio.to_thread(open_signer, f"remote:http://127.0.0.1:{port}/v1/?token=abc", nobody)
        swap = message(signer.pubkey)
        assert (await signer.sign(swap)).verify(server.keypair.pubkey(), to_bytes_versioned(swap))
        assert server.asked[1:] == ["GET /v1?token=abc HTTP/1.1", "POST /v1/sign?token=abc HTTP/1.1"]
        tcp.close()


async def test_a_signer_that_drips_is_late(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_unix_server(drip, tmp_path / "s")
    with pytest.raises(SignerUnavailable, match=r"does not answer within 0\.1 s"):
        await asyncio.to_thread(open_signer, f"remote:unix:{tmp_path / 's'}", nobody, timeout_ms=100)
    server.close()


async def test_a_lost_answer_is_asked_for_again(tmp_path: Path) -> None:
    async with remote(tmp_path) as (server, signer):
        server.answers = [None, (503, {})]
        swap = message(signer.pubkey)
        assert (await signer.sign(swap)).verify(signer.pubkey, to_bytes_versioned(swap))
        assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, {}), "refuses .HTTP 403.;"),
        ((403, {"error": "limit of the day"}), "refuses .HTTP 403: limit of the day"),
        ((200, b'{"signature": "' + b"1" * 10**6), "more than 65536 bytes"),
        ((200, b"<html>"), "no JSON object"),
        ((200, {"signature": "x"}), "without a signature"),
        ((200, {}), "without a signature"),
        ((200, {"signature": str(Keypair().sign_message(b"other"))}), "not of"),
        ((503, {}), "does not answer"),
    ],
)
async def test_what_is_no_signature_of_this_message_is_refused(tmp_path: Path, answer: tuple[int, Any], said: str) -> None:
    async with remote(tmp_path) as (server, signer):
        server.answers = [answer] * 3
        with pytest.raises(SignerUnavailable, match=said) as refused:
            await signer.sign(message(signer.pubkey))
        assert refused.value.exit_code == 5 and refused.value.retryable
        assert "nothing was sent" in refused.value.message and "-k" in refused.value.message


def test_where_a_remote_signer_may_be(tmp_path: Path) -> None:
    for url in ("http://signer.example", "ftp://127.0.0.1", "signer"):
        with pytest.raises(KeypairError, match="remote signer"):
            open_signer(f"remote:{url}", nobody)
    with pytest.raises(SignerUnavailable, match="does not answer"):
        open_signer(f"remote:unix:{tmp_path}/absent", nobody)
    with pytest.raises(SignerUnavailable) as closed:
        open_signer("remote:http://user:hunter22@127.0.0.1:1/token-abcdef", nobody)
    assert "hunter22" not in str(closed.value) and "token-abcdef" not in str(closed.value)


async def test_no_secret_is_ever_shown(tmp_path: Path, keychain: Keychain, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    keypair = Keypair()
    secrets = [str(keypair), bytes(keypair).hex(), str(list(bytes(keypair)))[1:60], PASSPHRASE]
    EncryptedSigner.create(tmp_path / "e", keypair, PASSPHRASE)
    KeypairSigner.keep(tmp_path / "p", keypair)
    keep_in_keychain("k", keypair)
    shown = []
    for named in (f"{tmp_path}/e", f"{tmp_path}/p", "keychain:k"):
        signer = open_signer(named, lambda _: PASSPHRASE)
        await signer.sign(message(signer.pubkey))
        shown += [repr(signer), str(signer), f"{signer}"]
    text = "\n".join(shown) + caplog.text
    assert str(keypair.pubkey()) in text
    for secret in secrets:
        assert secret not in text
