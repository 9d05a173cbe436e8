"""Both IDL files from interface.toml. `--check` compares instead of writing and exits 1 on a difference.

Anchor 0.30+: "spec" 0.1.0 (solana-foundation/anchor, idl/spec/src/lib.rs). The older form is what anchorpy-core 0.2 parses
(anchor 0.29, lang/syn/src/idl/types.rs). Names are snake case in both: clients convert, and `cumulative_a_x64` would not survive
the way to camel case and back.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "interface.toml"
MODERN = HERE / "dexroute_pool.json"
LEGACY = HERE.parents[2] / "dexroute" / "fetchers" / "pool" / "program" / "dexroute_pool.json"
FIRST_ERROR = 6000


def discriminator(namespace: str, name: str) -> list[int]:
    """Anchor's eight bytes: sha256("<namespace>:<name>")[..8]."""
    return list(sha256(f"{namespace}:{name}".encode()).digest()[:8])


def parse_field(text: str) -> tuple[str, str, int | None]:
    """ "name: type" or "name: [type; length]" as (name, type, length)."""
    name, kind = text.split(": ")
    array = re.fullmatch(r"\[(\w+); (\d+)\]", kind)
    return (name, array[1], int(array[2])) if array else (name, kind, None)


def field(text: str, *, legacy: bool) -> dict[str, Any]:
    """One struct field or argument in either form."""
    name, kind, length = parse_field(text)
    type_: Any = kind
    if kind[0].isupper():
        type_ = {"defined": kind if legacy else {"name": kind}}
    elif kind == "pubkey" and legacy:
        type_ = "publicKey"
    return {"name": name, "type": type_ if length is None else {"array": [type_, length]}}


def struct(name: str, fields: list[str], *, legacy: bool) -> dict[str, Any]:
    return {"name": name, "type": {"kind": "struct", "fields": [field(text, legacy=legacy) for text in fields]}}


def errors(source: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"code": FIRST_ERROR + i, "name": name, "msg": text} for i, (name, text) in enumerate(source["errors"].items())]


def modern_account(text: str, instruction: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    name, flags = [*text.split(), ""][:2]
    account: dict[str, Any] = {"name": name}
    account |= {"writable": True} if "w" in flags else {}
    account |= {"signer": True} if "s" in flags else {}
    account |= {"address": source["addresses"][name]} if name in source["addresses"] else {}
    seeds = [seed(text) for text in source["seeds"].get(name, [])]
    arguments = {argument.split(":")[0] for argument in instruction["args"]}
    if seeds and all(part["kind"] != "arg" or part["path"] in arguments for part in seeds):
        account["pda"] = {"seeds": seeds}
    return account


def seed(text: str) -> dict[str, Any]:
    if text.startswith("'"):
        return {"kind": "const", "value": list(text.strip("'").encode())}
    kind, path = text.split() if " " in text else ("account", text)
    return {"kind": kind, "path": path}


def modern(source: dict[str, Any]) -> dict[str, Any]:
    """The IDL as Anchor 0.30 and later read it."""
    structs = source["accounts"] | source["events"] | source["types"]
    return {
        "address": source["address"],
        "metadata": {
            "name": source["name"],
            "version": source["version"],
            "spec": "0.1.0",
            "description": source["description"],
        },
        "instructions": [
            {
                "name": instruction["name"],
                "docs": [instruction["docs"]],
                "discriminator": discriminator("global", instruction["name"]),
                "accounts": [modern_account(text, instruction, source) for text in instruction["accounts"]],
                "args": [field(text, legacy=False) for text in instruction["args"]],
            }
            for instruction in source["instructions"]
        ],
        "accounts": [{"name": name, "discriminator": discriminator("account", name)} for name in source["accounts"]],
        "events": [{"name": name, "discriminator": discriminator("event", name)} for name in source["events"]],
        "errors": errors(source),
        "types": [struct(name, fields, legacy=False) for name, fields in structs.items()],
    }


def legacy_account(text: str) -> dict[str, Any]:
    name, flags = [*text.split(), ""][:2]
    return {"name": name, "isMut": "w" in flags, "isSigner": "s" in flags}


def legacy(source: dict[str, Any]) -> dict[str, Any]:
    """The IDL as Anchor up to 0.29 and anchorpy read it."""
    return {
        "version": source["version"],
        "name": source["name"],
        "instructions": [
            {
                "name": instruction["name"],
                "docs": [instruction["docs"]],
                "accounts": [legacy_account(text) for text in instruction["accounts"]],
                "args": [field(text, legacy=True) for text in instruction["args"]],
            }
            for instruction in source["instructions"]
        ],
        "accounts": [struct(name, fields, legacy=True) for name, fields in source["accounts"].items()],
        "types": [struct(name, fields, legacy=True) for name, fields in source["types"].items()],
        "events": [
            {"name": name, "fields": [field(text, legacy=True) | {"index": False} for text in fields]}
            for name, fields in source["events"].items()
        ],
        "errors": errors(source),
        "metadata": {"address": source["address"]},
    }


def rendered() -> dict[Path, str]:
    """What each file must hold."""
    source = tomllib.loads(SOURCE.read_text())
    return {path: json.dumps(idl, indent=2) + "\n" for path, idl in ((MODERN, modern(source)), (LEGACY, legacy(source)))}


def main(arguments: list[str]) -> int:
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path} is not what {SOURCE.name} says; run {Path(__file__).name}\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(rendered()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
