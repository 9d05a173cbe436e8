"""The map leads somewhere: every file, folder and link that the documents for developers name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "CONTRIBUTING.md",
    ROOT / "dexroute" / "localnet" / "README.md",
    *sorted((ROOT / "docs").glob("architecture.md")),
    *sorted((ROOT / "docs").glob("workers.md")),
    ROOT / "docs" / "routes.md",
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
)
# Where a path in a document may start; a bare file name may be of any folder in the package or the toolchain.
ROOMS = (ROOT, ROOT / "dexroute", ROOT / "dexroute" / "engine", ROOT / "dexroute" / "localnet", ROOT / "dexroute" / "fetchers")
NAMED = {path.name for room in (ROOT / "dexroute", ROOT / "programs" / "toolchain", ROOT / "tests") for path in room.rglob("*.py")}
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (document.parent / link).exists(), link
    for name in PATH.findall(text):
        if name.endswith((".py", ".md", "/")):
            assert name in NAMED or any((room / name).exists() for room in ROOMS), name


def test_the_index_lists_every_decision() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert len(listed) >= 6
