"""The shared library, linked without a C library: glibc, musl and Android load it alike."""

import re
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from targets.target import Target

NAME = "libpercepnet.so"
PAGE = 16384
"""Bytes: newer phones map files in pages of 16 KB and refuse what is laid out for less."""
LINK = ["-shared", "-nostdlib", f"-Wl,-soname,{NAME}", f"-Wl,-z,max-page-size={PAGE}"]


def declared(header: str) -> set[str]:
    """Functions that a header declares."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    return set(re.findall(r"\b(percepnet_\w+)\s*\(", code))


def check_shared(target: Target, path: Path, header: str, allowed: set[str]) -> None:
    """Raises SystemExit naming every offender: exports, imports, libraries, page size, relocations.

    header: text of percepnet.h, whose functions must be exported and nothing else;
    allowed: symbols that may come from outside.
    """
    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = [s for s in elf.get_section_by_name(".dynsym").iter_symbols() if s.name]
        exported = {s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF"}
        wanted = {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF"}
        tags = [t for s in elf.iter_sections() if isinstance(s, DynamicSection)
                for t in s.iter_tags()]  # fmt: skip
        pages = {s["p_align"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"}
    public = declared(header)
    offenders = [f"{name} is not exported" for name in sorted(public - exported)]
    offenders += [f"{name} is exported" for name in sorted(exported - public)]
    offenders += [f"undefined symbol {name}" for name in sorted(wanted - allowed)]
    offenders += [f"needs {tag.needed}" for tag in tags if tag.entry.d_tag == "DT_NEEDED"]
    offenders += ["relocations in code" for tag in tags if tag.entry.d_tag == "DT_TEXTREL"]
    offenders += [f"pages of {size} bytes" for size in pages if size < PAGE]
    if offenders:
        raise SystemExit(f"{target.name}: {NAME} is refused\n  " + "\n  ".join(offenders))
