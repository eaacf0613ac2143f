"""The page of the proof, written by `python -m proof --document PAGE`."""

# ruff: noqa: E501  (tables and paragraphs of Markdown)

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proof.tools import Result

HEAD = """# What is proved

Written by `make prove`; do not edit. Model `{model}`, plan `{plan}`: {proved} of {count} pieces are
proved, in {seconds:.0f} s on the machine that wrote this page.

The claim: **no input whatever makes the shipped scalar C overflow a signed integer, shift out of
range, divide by zero, read or write outside its memory, or read what was never written.** Each stage
is called with everything that its input can be, alone: the ranges between stages come from
plan.json (`proof/ranges.py`), what one piece assumes of its input another proves of an output, and
states are assumed as any call leaves them.

| Tool | What it does |
|---|---|
| Eva | Frama-C's value analysis runs the C over ranges: all inputs at once, any alarm is a failure |
| ESBMC | a solver looks for a bit pattern that breaks an assertion, and finds that there is none |
| exhaustive | a C program tries every input |
| forms | the C, compiled with int32 and int64 replaced by linear forms of all inputs (`proof/forms/`): follows sums that cancel, as in a transform |
| worst | the C at the largest size of every term, under AddressSanitizer and UBSan; no address depends on data |

| Stage | Piece | What is shown, of all inputs | Tool | Proved | Seconds |
|---|---|---|---|---|---|
"""
NOT_PROVED = """\
- **SIMD kernels** are compared with the scalar ones, not proved: `kernel_check` runs every kernel of a
  CPU (`make check`) in every shape that the plan has, dense and sparse, every number of rows to four
  blocks and their tails and every number of columns, on values at and between all limits.
- **Joints**: pieces `blocks` (suppressor.c) and `layers` (dnn.c) show that every stage and kernel is
  called with arrays and ranges that its own pieces assume. That the signals have the right names is
  seen by reading, and by the comparison with the twin.
- Two facts of mathematics: Cauchy and Schwarz for the autocorrelation (|r_k| <= r_0), and the square
  root by Heron's rule, whose safety is proved but whose exactness is tested.
- The compiler, the processor, and the harness around the library (command, files, plug-ins).
"""


def page(plan: dict, results: list[Result]) -> str:
    """The table as Markdown."""
    ordered = sorted(results, key=lambda r: (r.piece.stage, r.piece.name))
    rows = [
        f"| {r.piece.stage} | {r.piece.name} | {r.piece.shows.replace('|', chr(92) + '|')} | "
        f"{r.piece.tool} | {'yes' if r.proved else '**no**'} | {r.seconds:.1f} |\n"
        for r in ordered
    ]
    head = HEAD.format(
        model=plan["api"]["model_id"], plan=plan["hash"][:16],
        proved=sum(r.proved for r in results), count=len(results),
        seconds=sum(r.seconds for r in results),
    )  # fmt: skip
    return head + "".join(rows) + "\n## What is not proved here\n\n" + NOT_PROVED


def record(plan: dict, results: list[Result]) -> dict:
    """What `make baseline` keeps of a run: the model, and a row a piece."""
    rows = [{"stage": r.piece.stage, "piece": r.piece.name, "shows": r.piece.shows,
             "tool": r.piece.tool, "proved": r.proved, "seconds": round(r.seconds, 1)}
            for r in results]  # fmt: skip
    return {"model": plan["model"]["name"], "weights": plan["model"]["sha256"],
            "plan": plan["hash"][:16], "rows": rows}  # fmt: skip
