"""Small faults that a text can be given: of Python by its syntax tree, of C by its tokens.

A fault is one changed place: another comparison, sign or operator, a number one larger, a condition
turned round, a statement left out. Text for people (docstrings, messages, help) is left as it is.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """`old` at `start` of the text of `path` becomes `new`."""

    path: str
    start: int
    old: str
    new: str
    key: str  # file, line and change: the same wherever the line moves

    def applied(self, text: str) -> str:
        assert text[self.start :].startswith(self.old), self
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


def squeezed(code: str) -> str:
    """A piece of code in one line."""
    return " ".join(code.split())


def faults(path: str, text: str) -> list[Fault]:
    """All faults of a file, in the order of the text."""
    found = python(text) if path.endswith(".py") else c(text)
    places = {(start, text[start:end], new) for start, end, new in found if text[start:end] != new}
    seen, result = Counter(), []
    for start, old, new in sorted(places):
        line = text[text.rfind("\n", 0, start) + 1 :].split("\n", 1)[0].strip()
        key = f"{path}: {line}: {squeezed(old)} -> {squeezed(new)}"
        seen[key] += 1
        result.append(Fault(path, start, old, new, key + f" #{seen[key]}" * (seen[key] > 1)))
    return result


# ---- Python ----

COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
           ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot,
           ast.IsNot: ast.Is}  # fmt: skip
BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
          ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
          ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}  # fmt: skip


def python(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, new) of every fault of a module."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def place(node: ast.AST) -> tuple[int, int]:
        rows = text.splitlines()
        first, last = rows[node.lineno - 1], rows[node.end_lineno - 1]
        start = len(first.encode()[: node.col_offset].decode())
        end = len(last.encode()[: node.end_col_offset].decode())
        return lines[node.lineno - 1] + start, lines[node.end_lineno - 1] + end

    for node in _code(ast.parse(text)):
        for new in _changed(node):
            yield (*place(node), new)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that do something: no annotation, default help text or guard of the command line."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _for_people(child):
                continue
            yield child
            yield from _code(child)


def _for_people(node: ast.AST) -> bool:
    guard = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
    parts = isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr | ast.AnnAssign)
    words = isinstance(node, ast.keyword) and node.arg in ("help", "metavar", "description")
    options = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
    prints = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    return guard or parts or words or options or prints


def _changed(node: ast.AST) -> Iterator[str]:
    """Texts that may stand in the place of a node."""
    match node:
        case ast.Compare(left, [op], [right]) if type(op) in COMPARE:
            yield ast.unparse(ast.Compare(left, [COMPARE[type(op)]()], [right]))
        case ast.BinOp(left, op, right) if type(op) in BINARY and not _string(left):
            yield f"({ast.unparse(ast.BinOp(left, BINARY[type(op)](), right))})"
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield f"({ast.unparse(operand)})"
        case ast.Constant(bool() as value):
            yield str(not value)
        case ast.Constant(int() as value):
            yield str(value + 1)
        case ast.Constant(float() as value):
            yield str(2 * value or 1.0)
        case ast.Raise() | ast.Continue() | ast.AugAssign():
            yield "pass"
        case ast.Expr(ast.Call(func)) if getattr(func, "id", "") != "print":
            yield "pass"
        case ast.Return(value) if value is not None:
            yield "return None"
        case ast.IfExp(test, body, otherwise):
            negated = ast.UnaryOp(ast.Not(), test)
            yield f"({ast.unparse(ast.IfExp(negated, body, otherwise))})"


def _string(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.JoinedStr) and not isinstance(
        getattr(node, "value", ""), int | float
    )


# ---- C, and templates of C ----

HIDDEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|\{[{%#].*?[}%#]\}|^(?:typedef|extern)[^\n]*""",
    re.M | re.S,
)
SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||",
         "||": "&&", "+": "-", "-": "+", "*": "+", "/": "*", "%": "*", "<<": ">>", ">>": "<<",
         "+=": "-=", "-=": "+=", "&": "|", "|": "&", "^": "&"}  # fmt: skip
OPERATOR = re.compile(r"(?<= )(?:<=|>=|==|!=|&&|\|\||<<|>>|\+=|-=|[-<>+*/%&|^])(?= )")
NUMBER = re.compile(r"(?<![\w.\[])(?:0|[1-9]\d*)(?![\w.])")
SENTENCE = re.compile(r"^[ \t]+([\w>.\[\]\-]+(?:\([^;{}]*\)| [-+|]?= [^;{}]*);)$", re.M)
CONDITION = re.compile(r"\bif \(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")


def c(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, new) of every fault outside of comments, strings and what Jinja or cpp read."""
    code = HIDDEN.sub(lambda m: re.sub(r"[^\n]", "\0", m[0]), text)
    for m in OPERATOR.finditer(code):
        yield (*m.span(), SWAPS[m[0]])
    for m in NUMBER.finditer(code):
        yield (*m.span(), str(int(m[0]) + 1))
    for m in SENTENCE.finditer(code):
        if "\0" not in m[1]:
            yield (*m.span(1), ";")
    for m in CONDITION.finditer(code):
        yield (*m.span(1), f"!({text[slice(*m.span(1))]})")


def sources(root: Path, names: list[str]) -> dict[str, list[Fault]]:
    """{path: its faults} of the files that can be given some."""
    kinds = (".py", ".c", ".h", ".c.j2", ".h.j2")
    return {name: found for name in names if name.endswith(kinds)
            if (found := faults(name, (root / name).read_text()))}  # fmt: skip
