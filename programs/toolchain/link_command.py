"""The linker as rustc calls it: objects, libraries, `-o` and options that have no meaning here."""

from __future__ import annotations

import sys
from pathlib import Path

from programs.toolchain import archive, elf
from programs.toolchain.failure import BuildError
from programs.toolchain.linker import link

_WITH_VALUE = {"--export", "--export-symbols", "-L", "--cpu", "--cpu-features"}

# What the compiler has already taken into the program: `core` is kept in this form only.
_BITCODE = b"BC\xc0\xde"


def main(arguments: list[str]) -> int:
    """Writes the program. Returns the exit code; what went wrong is on stderr."""
    objects: list[elf.Object] = []
    libraries: dict[str, elf.Object] = {}
    output: Path | None = None
    words = iter(arguments)
    try:
        for word in words:
            if word == "-o":
                output = Path(next(words))
            elif word in _WITH_VALUE:
                next(words)
            elif word.endswith(".rlib"):
                for name, content in archive.members(word, Path(word).read_bytes()).items():
                    if name.endswith(".o") and not content.startswith(_BITCODE):
                        libraries[name] = elf.parse_object(name, content)
            elif word.endswith(".o"):
                objects.append(elf.parse_object(Path(word).name, Path(word).read_bytes()))
        if output is None:
            raise BuildError("the linker was given no -o")
        output.write_bytes(link(objects, libraries))
    except (BuildError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
