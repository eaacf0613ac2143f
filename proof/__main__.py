"""Prove that no input makes the shipped C overflow, shift too far, divide by 0, leave its memory.

    python -m proof --gen build/host/gen [--only NAME ...] [--document PAGE]

Prints a line for each piece: stage, what, tool, verdict, seconds. A run of all goes to
build/proof/MODEL.json, which `make baseline` keeps. Exit codes: 0 all proved, 1 not.
"""

import argparse
import json
import sys
from pathlib import Path

from proof import document, tools
from proof.pieces import PIECES
from reference.files import whole


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m proof", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gen", type=Path, default=Path("build/host/gen"), help="generated C")
    parser.add_argument("--out", type=Path, default=Path("build/proof"), help="working folder")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="pieces or stages, not all")
    parser.add_argument("--document", type=Path, metavar="PAGE", help="page to write the table to")
    args = parser.parse_args()
    known = {p.name for p in PIECES} | {p.stage for p in PIECES}
    if unknown := set(args.only or ()) - known:
        parser.error(f"no piece {sorted(unknown)[0]}; there are {' '.join(sorted(known))}")
    chosen = [p for p in PIECES if not args.only or {p.name, p.stage} & set(args.only)]
    plan = json.loads((args.gen / "plan.json").read_text())
    bench = tools.Bench(args.gen, args.out, plan)
    results = []
    for piece in chosen:
        results.append(bench.prove(piece))
        print(results[-1], flush=True)
    failed = [r.piece.name for r in results if not r.proved]
    total = sum(r.seconds for r in results)
    print(f"{len(results) - len(failed)} of {len(results)} pieces proved in {total:.0f} s")
    for name in failed:
        print(f"not proved: {name}; its log is {bench.log(name)}", file=sys.stderr)
    if not args.only:
        kept = document.record(plan, results)
        with whole(args.out / f"{kept['model']}.json") as new:
            new.write_text(json.dumps(kept, indent=1) + "\n")
    if args.document:
        args.document.write_text(document.page(plan, results))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
