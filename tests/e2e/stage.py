"""What stands on the chain before `dex` is called: a wallet, tokens as bytes, recorded pools, pools of our own program."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from dexroute.fetchers.pool import instructions
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.pda import pool_accounts
from dexroute.types.mints import Mint
from tests.e2e.chain import LOOKUP_TABLES, TOKEN, TOKEN_2022, WHOLE_MINT, Chain
from tests.e2e.node import Node, Sloppiness
from tests.vectors import RecordedState

ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
NATIVE = Pubkey.from_string("So11111111111111111111111111111111111111112")
OUR_PROGRAM = Pubkey.from_string("dexF9oMdp9VqCYTe5k1EdprE8efsUr5y98pZXG1xMhL")
OUR_PROGRAM_FILE = Path(__file__).parents[2] / "dexroute/fetchers/pool/program/dexroute_pool.so"
REAL_PROGRAMS = {
    "raydium-cpmm": {"CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C": "raydium_cpmm_2026_04.so"},
    "meteora-damm-v1": {
        "Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB": "damm_v1_cpi.so",
        "24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi": "vault_cpi.so",
    },
    "meteora-damm-v2": {"cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG": "cp_amm.so"},
}
TERMS = FeeTerms(base_fee_ppm=2_500, protocol_share_ppm=200_000)


class ProgramAbsent(Exception):
    """The real program is not at hand; the message says what is missing."""


def real_programs(venue: str) -> list[tuple[Pubkey, Path]]:
    """A venue's program and those it calls: ids and files. Raises ProgramAbsent."""
    folder = os.environ.get("DEXROUTE_REAL_PROGRAMS")
    if not folder:
        raise ProgramAbsent(f"DEXROUTE_REAL_PROGRAMS names no folder, so {venue} cannot be executed")
    found = [(Pubkey.from_string(address), Path(folder) / name) for address, name in REAL_PROGRAMS[venue].items()]
    for _, path in found:
        if not path.exists():
            raise ProgramAbsent(f"{path} is missing, so {venue} cannot be executed")
    return found


def associated(owner: Pubkey, mint: Pubkey, program: Pubkey) -> Pubkey:
    return Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED)[0]


def token_account(mint: Pubkey, owner: Pubkey, amount: int, *, fee: bool = False, native_rent: int = 0) -> bytes:
    """An initialized account; one of a Token-2022 mint with a transfer fee carries the extensions its program gives it."""
    native = (b"\x01\0\0\0" + native_rent.to_bytes(8, "little")) if native_rent else bytes(12)
    plain = bytes(mint) + bytes(owner) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + native + bytes(44)
    return plain + (b"\x02" + b"\x07\0\0\0" + b"\x02\0\x08\0" + bytes(8) if fee else b"")


def mint_account(decimals: int, fee_bps: int = 0) -> bytes:
    """Without authorities, with half of what a supply can be; `fee_bps` makes it a Token-2022 mint that withholds it."""
    plain = bytes(36) + (2**63).to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)
    if not fee_bps:
        return plain
    record = bytes(8) + (2**64 - 1).to_bytes(8, "little") + fee_bps.to_bytes(2, "little")
    return plain + bytes(165 - WHOLE_MINT) + b"\x01" + b"\x01\0\x6c\0" + bytes(72) + record + record


@dataclass
class Stage:
    """One chain behind one node, one wallet, and a folder for `dex` to live in."""

    chain: Chain
    folder: Path
    wallet: Keypair = field(default_factory=Keypair)
    node: Node = field(init=False)
    others: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node = Node(self.chain)
        self.chain.add_program(OUR_PROGRAM, OUR_PROGRAM_FILE)
        self.chain.put(NATIVE, TOKEN, mint_account(9))
        self.chain.put(self.wallet.pubkey(), Pubkey.default(), b"", 50_000_000_000)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key_file = self.folder / "id.json"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(json.dumps(list(bytes(self.wallet))))

    # the stage

    async def second_node(self, sloppy: Sloppiness) -> Node:
        """Another view of the same chain."""
        node = Node(self.chain, sloppy)
        await node.start()
        self.others.append(node)
        return node

    async def until_finalized(self) -> None:
        """Wait until what was done so far is finalized, for readers that look at nothing newer."""
        done = self.chain.tip()
        while self.chain.slot_at("finalized") < done:
            await asyncio.sleep(0.05)

    def hurry_once_sent(self, slots: int) -> None:
        """So many slots pass with the next transaction sent: until then a loaded machine may take its time, and nothing expires."""

        def on_request(method: str) -> None:
            if method == "sendTransaction":
                self.node.on_request = None
                self.chain.let_pass(slots)

        self.node.on_request = on_request

    def place(self, state: RecordedState) -> None:
        """A recorded pool with its program, which must be at hand."""
        for address, path in real_programs(state.venue):
            self.chain.add_program(address, path)
        self.place_accounts(state)

    def place_accounts(self, state: RecordedState) -> None:
        """A recorded pool that can be quoted and not swapped."""
        for address, account in state.snapshot.accounts.items():
            if account is not None:
                self.chain.put(address, account.owner, account.data, account.lamports)

    def program_of(self, mint: Pubkey) -> Pubkey:
        held = self.chain.account(mint)
        assert held is not None
        return held.owner

    def account_of(self, mint: Pubkey) -> Pubkey:
        return associated(self.wallet.pubkey(), mint, self.program_of(mint))

    def give(self, mint: Pubkey, amount: int) -> None:
        """Tokens in the wallet's associated account."""
        held = self.chain.account(mint)
        assert held is not None
        content = token_account(mint, self.wallet.pubkey(), amount, fee=len(held.data) > WHOLE_MINT)
        self.chain.put(self.account_of(mint), held.owner, content, self.chain.rent(len(content)))

    def token(self, decimals: int = 6, fee_bps: int = 0) -> Pubkey:
        """A new mint."""
        mint = Keypair().pubkey()
        self.chain.put(mint, TOKEN_2022 if fee_bps else TOKEN, mint_account(decimals, fee_bps))
        return mint

    def own_pool(self, first: Pubkey, second: Pubkey, amounts: tuple[int, int], terms: FeeTerms = TERMS, index: int = 0) -> Pubkey:
        """A pool of our own program, opened and filled through its instructions by a rich stranger."""
        stranger = Keypair()
        owner = stranger.pubkey()
        self.chain.put(owner, Pubkey.default(), b"", 10**13)
        accounts = pool_accounts(self._mint(first), self._mint(second), index)
        self._run(stranger, [instructions.initialize_pool(accounts, terms, index=index, payer=owner, admin=owner)])
        given = dict(zip((first, second), amounts, strict=True))
        for mint in accounts.mints:
            held = self.chain.account(mint)
            assert held is not None
            rent = self.chain.rent(165) if mint == NATIVE else 0
            content = token_account(mint, owner, given[mint], fee=len(held.data) > WHOLE_MINT, native_rent=rent)
            lamports = self.chain.rent(len(content)) + (given[mint] if mint == NATIVE else 0)
            self.chain.put(associated(owner, mint, held.owner), held.owner, content, lamports)
        shares = associated(owner, accounts.lp_mint, TOKEN)
        self.chain.put(shares, TOKEN, token_account(accounts.lp_mint, owner, 0))
        sources = [associated(owner, mint, self.program_of(mint)) for mint in accounts.mints]
        deposit = instructions.add_liquidity(
            accounts,
            max_amounts=(given[accounts.mints[0]], given[accounts.mints[1]]),
            min_lp=0,
            user=owner,
            sources=(sources[0], sources[1]),
            user_lp=shares,
        )
        self._run(stranger, [deposit])
        return accounts.pool

    def table(self, addresses: Sequence[Pubkey], *, deactivated_at: int = 2**64 - 1) -> Pubkey:
        """Somebody's lookup table, as bytes."""
        address = Keypair().pubkey()
        numbers = (deactivated_at, 1)
        head = (1).to_bytes(4, "little") + b"".join(number.to_bytes(8, "little") for number in numbers) + bytes(36)
        content = head + b"".join(map(bytes, addresses))
        self.chain.put(address, LOOKUP_TABLES, content, self.chain.rent(len(content)))
        return address

    def _mint(self, address: Pubkey) -> Mint:
        return Mint(address=address, decimals=0, token_program=self.program_of(address))

    def _run(self, payer: Keypair, steps: Sequence[Instruction]) -> None:
        message = MessageV0.try_compile(payer.pubkey(), steps, [], self.chain.blockhash(0))
        self.chain.run(VersionedTransaction(message, [payer]))

    # the play

    def holding(self, mint: Pubkey) -> int:
        """What the wallet has of a mint, on the server; lamports for SOL."""
        return self.chain.lamports(self.wallet.pubkey()) if mint == NATIVE else self.chain.balance(self.account_of(mint))

    def landed(self) -> list[str]:
        """Signatures of the wallet's transactions that are in blocks."""
        mine = [s for s, landed in self.chain.landed.items() if landed.transaction.message.account_keys[0] == self.wallet.pubkey()]
        return [str(signature) for signature in mine]

    async def launch(self, *words: str, data_dir: str = "data", **settings: Any) -> asyncio.subprocess.Process:
        """The real command, in an environment of its own."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DEXROUTE_")}
        environment |= {"HOME": str(self.folder), "DEXROUTE_DATA_DIR": str(self.folder / data_dir)}
        environment["DEXROUTE_WS_URL"] = "ws://127.0.0.1:9"  # the next port may be another node's
        environment |= {f"DEXROUTE_{name.upper()}": str(value) for name, value in settings.items()}
        command = Path(sys.executable).with_name("dex")
        told = (*words, "-u", self.node.url, "-k", str(self.key_file), "--format", "json")
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(command, *told, env=environment, stdout=pipe, stderr=pipe)

    async def dex(self, *words: str, code: int = 0, **settings: Any) -> dict[str, Any]:
        """Run to its end; the JSON it printed, an error's where `code` expects one."""
        child = await self.launch(*words, **settings)
        stdout, stderr = await child.communicate()
        assert child.returncode == code, (words, child.returncode, stdout.decode(), stderr.decode())
        assert not self.node.violations, self.node.violations
        shape: dict[str, Any] = json.loads(stderr if code else stdout)
        return shape

    async def swap(self, *words: str, **settings: Any) -> dict[str, Any]:
        """One swap, and the promises every swap keeps: the order's amounts are what moved on the server, no more was paid than it
        says, and exactly one transaction landed."""
        mint_in, mint_out = (NATIVE if word == "SOL" else Pubkey.from_string(word) for word in words[1:3])
        watched = (mint_in, mint_out, NATIVE)
        before, known = [self.holding(mint) for mint in watched], set(self.landed())
        order = await self.dex("swap", *words, "--yes", **settings)
        moved = [self.holding(mint) - held for mint, held in zip(watched, before, strict=True)]
        assert order["state"] == "CONFIRMED"
        assert set(self.landed()) - known == {order["signature"]}
        self.check_order(order, mint_in, mint_out)
        assert int(order["amount_out"]) >= int(order["min_amount_out"]) > 0
        costs = order["costs"]
        paid = sum(int(costs[f"{kind}_lamports"]) for kind in ("network_fee", "priority_fee", "rent", "other"))
        sol = {mint_in: -int(order["amount_in"]), mint_out: int(order["amount_out"])}
        left = sum(int(one["amount"]) for one in costs["residuals"] if one["mint"] == str(NATIVE))
        assert moved[2] == sol.get(NATIVE, left) - paid + int(costs["rent_refunded_lamports"])
        assert moved[:2] == [moved[2] if mint == NATIVE else sol[mint] for mint in (mint_in, mint_out)]
        return order

    def check_order(self, order: dict[str, Any], mint_in: Pubkey, mint_out: Pubkey) -> None:
        """The fields that are promised, and that they tell of the transaction the chain has."""
        assert {"id", "key", "state", "signature", "slot", "route", "costs", "attempts"} <= set(order)
        assert (order["input_mint"], order["output_mint"]) == (str(mint_in), str(mint_out))
        assert all(isinstance(order[name], str) for name in ("amount_in", "amount_out", "min_amount_out"))
        landed = self.chain.landed[Signature.from_string(order["signature"])]
        assert landed.error is None and order["slot"] == landed.slot
        assert [a["signature"] for a in order["attempts"] if a["outcome"] == "landed"] == [order["signature"]]
        costs = order["costs"]
        assert int(costs["network_fee_lamports"]) + int(costs["priority_fee_lamports"]) == landed.fee
