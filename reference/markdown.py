"""Markdown that programs write: tables, and parts of pages between two marks."""

import re


def table(head: list[str], rows: list[list]) -> str:
    """A table, or the words that there is none.

    Integers get their thousands separated, None is –; the rest is as `str` has it.
    """
    if not rows:
        return "nothing yet\n"
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: object) -> str:
    """Text of one cell."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else plain(str(value))


def plain(text: str) -> str:
    """A text whose letters are no table, no tag and no line of their own, as in names of files."""
    return re.sub("<(?=[A-Za-z/!?])", "&lt;", " ".join(text.splitlines()).replace("|", r"\|"))


def fill(text: str, name: str, part: str) -> str:
    """The text of a page with the part between `<!-- begin NAME -->` and `<!-- end -->` replaced.

    The rest is written by hand. Raises ValueError when the markers are not there, or twice.
    """
    pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end -->)"
    filled, count = re.subn(pattern, lambda m: f"{m[1]}{part}{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} parts named {name} found; one is needed")
    return filled
