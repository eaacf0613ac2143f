"""The first screen of the report: what was run, the verdict, three players, the cost of a hop."""

from pathlib import Path
from statistics import median_low

from eval import complexity
from eval.baseline import read
from eval.listen import figures, recording
from eval.score import best_system, outside
from eval.systems import read_table

HOP_MS = 10
LATENCY_MS = 40  # window 20 ms, two frames of look-ahead: 30 ms beyond the hop


def model_of(report: dict) -> str | None:
    """The model of the targets that ran; None before any was built."""
    ran = [*report["provenance"]["targets"].values(), *report["footprint"]]
    return next((row["model"] for row in ran if "model" in row), None)


def facts(report: dict, name: str | None) -> list[tuple[str, str]]:
    """(what, which) of this run: model, targets, set, day, commit."""
    about, model = report["provenance"], model_of(report)
    rows = []
    if model:
        rows.append(("model", f"{model}, weights {about['weights'][model]['sha256'][:12]}"
                     if model in about["weights"] else model))
    cpus: dict[str, list[str]] = {}
    for row in report["conformance"]:
        cpus.setdefault(row["target"], []).append(row["cpu"])
    if cpus:
        rows.append(("targets", "; ".join(f"{target} ({', '.join(dict.fromkeys(found))})"
                                          for target, found in cpus.items())))
    if name:
        facts = about["sets"][name]
        shown = facts["source"] if facts.get("source") not in (None, name) else name
        rate = f", scored at {facts['score_rate'] // 1000} kHz" if facts.get("score_rate") else ""
        rows += [("test set", f"{shown}, {facts['clips']} clips{rate}"),
                 ("scored", facts["scored"])]
    return [*rows, ("commit", about["commit"])]


def means(report: dict, name: str) -> dict[str, dict]:
    """{system: its means over all clips} of a set, of those that could be scored."""
    return {row["system"]: row for row in report["quality"]
            if row["testset"] == name and row["snr"] is None and row["clips"]}


def quality_words(report: dict, name: str) -> str | None:
    """What ours gains on a set and where the others stand, better ones named; None without it."""
    rows = means(report, name)
    ours = best_system(list(rows))
    if not ours or "noisy" not in rows:
        return None
    kinds = {"pesq_wb": "PESQ-WB", "dnsmos_ovrl": "DNSMOS OVRL"}
    kind = next((k for k in kinds if rows[ours].get(k) is not None), None)
    if kind is None:
        return None
    mine = rows[ours][kind]
    peers = [f"{system} reaches {rows[system][kind]:.2f}"
             f"{', which is better' if rows[system][kind] > mine else ''}"
             for system in rows if system in outside() and rows[system].get(kind) is not None]
    return (f"on {name}, {model_of(report) or ours} raises {kinds[kind]} from "
            f"{rows['noisy'][kind]:.2f} to {mine:.2f}" + "".join(f"; {peer}" for peer in peers))


def cost_words(report: dict, rows: list[dict]) -> str | None:
    """The share of the smallest named core, an estimate; None where it was not estimated."""
    if not rows:
        return None
    row = rows[0]
    return (f"a hop of 10 ms takes an estimated {complexity.span(complexity.share_of_core(row))} % "
            f"of a {row['core']} at {row['ghz']} GHz")


def equality_words(report: dict) -> str | None:
    """Whether the C equals its model; None before it was compared."""
    wrong, total = (sum(row[key] for row in report["conformance"])
                    for key in ("mismatches", "samples"))
    if not total:
        return None
    return (f"all {total:,} samples equal the integer model" if not wrong
            else f"{wrong:,} of {total:,} samples DIFFER from the integer model")


def verdict(report: dict, name: str | None, cycles: list[dict]) -> str:
    """The result in one sentence."""
    parts = [name and quality_words(report, name), cost_words(report, cycles),
             equality_words(report)]
    words = "; ".join(part for part in parts if part)
    return f"{words[0].upper()}{words[1:]}." if words else "Nothing has been run yet."


def estimates(report: dict, runs: list[dict]) -> list[dict]:
    """Rows of targets.cycles, a call a hop: of this build, else those stored of its model."""
    model = model_of(report)
    stored = (read("cycles", f"arm64-{model}") or {"rows": []})["rows"]
    rows = [row for run in runs for row in run.get("cycles", [])] or stored
    return [row for row in rows if row["call"] == "frame"]


def costs(report: dict, cycles: list[dict]) -> dict:
    """{head, rows}: a hop in ms and per cent of a core, latency, bytes; RNNoise beside ours."""
    model, peer = model_of(report), read_table().get("pyrnnoise", {})
    rows = []
    for row in cycles:
        share = complexity.share_of_core(row)
        ms = complexity.span([end * HOP_MS / 100 for end in share])
        rows.append([f"a hop on {row['core']}, {row['ghz']} GHz: estimate",
                     f"{ms} ms, {complexity.span(share)} %", "–"])
    sizes = next((row for row in reversed(report["footprint"]) if row["model"] == model), None)
    theirs = peer.get("per_hop", {})
    if sizes and theirs:
        ram = sizes["state"] + sizes["scratch"] + sizes["stack"]
        flash = sizes["weights"] + sizes["rodata"] + sizes["text"]
        rows += [["latency, the hop included", f"{LATENCY_MS} ms", f"{theirs['latency_ms']} ms"],
                 ["RAM an instance, stack included", kilobytes(ram), kilobytes(theirs["ram"])],
                 ["flash: weights, tables, code", kilobytes(flash), kilobytes(theirs["flash"])]]
        if "read_frame" in sizes:
            rows.append(["weights read", traffic(sizes["read_frame"]), traffic(theirs["weights"])])
    for row in report["complexity"]:
        if (row["call"], row["stage"]) == ("frame", "total"):
            other = theirs.get(row["cpu"])
            other = peer.get("instructions") if row["cpu"] == "cortex-a53" else other
            rows.append([f"instructions a hop, {row['target']} {row['cpu']}",
                         f"{row['instructions_mean'] / 1e3:,.0f} k",
                         f"{other / 1e3:,.0f} k" if other else "–"])
    return {"head": ["", model or "ours", "RNNoise"], "rows": rows}


def kilobytes(count: float) -> str:
    """"127 KB"."""
    return f"{count / 1024:,.0f} KB"


def traffic(count: float) -> str:
    """MB/s of bytes that every hop reads."""
    return f"{count * 1000 / HOP_MS / 1e6:,.0f} MB/s"


def typical_clip(rows: list[dict]) -> str | None:
    """The clip whose gain in the first measure there is, is the median one; None without gains."""
    ours = best_system([row["system"] for row in rows])
    for measure in ("pesq_wb", "dnsmos_ovrl"):
        value = {(r["system"], r["clip"]): r[measure] for r in rows
                 if not r["error"] and r[measure] is not None}
        gains = {clip: value[ours, clip] - value["noisy", clip] for system, clip in value
                 if system == ours and ("noisy", clip) in value}
        if gains:
            middle = median_low(gains.values())
            return next(clip for clip, gain in gains.items() if gain == middle)
    return None


def players(build: Path, report: dict, name: str, rows: list[dict]) -> list[dict]:
    """Three recordings of the typical clip: noisy, ours, the best of the others (if one ran)."""
    clip = typical_clip(rows)
    if clip is None:
        return []
    scores = means(report, name)
    ours = best_system(list(scores))
    peers = sorted((s for s in scores if s in outside()),
                   key=lambda s: scores[s]["pesq_wb"] or scores[s]["dnsmos_ovrl"] or 0)
    titles = {"noisy": "noisy", ours: f"ours: {model_of(report) or ours}"}
    titles |= {peer: peer for peer in peers[-1:]}
    found = []
    for system, title in titles.items():
        folder = build / "sets" / name / "noisy" if system == "noisy" else \
            build / "out" / system / name
        row = next((r for r in rows if (r["system"], r["clip"]) == (system, clip)), None)
        if row and (folder / f"{clip}.wav").exists():
            found.append(recording(folder / f"{clip}.wav", title, figures(row)))
    return found
