"""What the integers cost, how close they stay, where they were compared (docs/quantisation.md)."""

from itertools import groupby

from eval.baseline import read_all
from eval.cost import STEPS
from eval.tables import HEADS
from pages.scores import model_names
from reference.dnn import weights_hash
from reference.markdown import table

MEASURES = {"pesq_wb": 4, "stoi": 5}
"""And the digits of a cost."""


def read(kind: str) -> list[dict]:
    """Stored results of a kind, models from small to large."""
    order = model_names()
    found = [r for r in read_all("integers", f"{kind}-*").values() if r["model"] in order]
    return sorted(found, key=lambda result: order.index(result["model"]))


def names(results: list[dict], wanted: list[str]) -> str:
    """Which weights were measured, which of them are not the present ones, what is missing."""
    words = []
    for model, weights in {r["model"]: r["weights"] for r in results}.items():
        old = "" if weights == weights_hash(model) else ", which are not the present ones"
        words.append(f"`{model}` {weights[:12]}{old}")
    absent = [f"`{model}`" for model in wanted if model not in {r["model"] for r in results}]
    also = f" No run stored: {', '.join(absent)}." if absent else ""
    return f"Weights: {'; '.join(words)}.{also}"


def cost_table(costs: list[dict], measure: str) -> str:
    """Mean of a measure, and what each step costs, all clips and by SNR; one set, all models."""
    snrs = [row["snr"] for row in costs[0]["rows"] if row["system"] == "float"]
    titles = ["all" if snr is None else f"{snr:g} dB" for snr in snrs]
    digits, lines = MEASURES[measure], []
    for one in costs:
        cells = {(row["system"], row["snr"]): row for row in one["rows"]}
        for system, step in STEPS.items():
            lost = [f"{cells[system, snr][f'cost_{measure}']:+.{digits}f}" for snr in snrs]
            lines.append([f"`{one['model']}`", step, f"{cells[system, None][measure]:.4f}",
                          *(lost if system != "float" else [""] * len(snrs))])
    return table(["model", "step", HEADS[measure], *titles], lines)


def worst_table(costs: list[dict]) -> str:
    """The clip that loses most by all steps together, by set, model and measure."""
    lines = [[one["testset"], f"`{one['model']}`", HEADS[measure], f"{worst['cost']:+.4f}",
              worst["clip"].split("_snr")[0]]
             for one in costs for measure, worst in one["worst"].items()]
    return table(["set", "model", "measure", "worst clip", "its talker and noise"], lines)


def cost() -> str:
    """Both measures of every set, then the worst clips."""
    costs, parts = read("cost"), []
    for name in dict.fromkeys(one["testset"] for one in costs):
        mine = [one for one in costs if one["testset"] == name]
        parts += [f"Set `{name}`, {mine[0]['clips']} clips, cost in PESQ-WB and in STOI. "
                  f"{names(mine, model_names())}\n",
                  cost_table(mine, "pesq_wb"), cost_table(mine, "stoi")]
    return "\n".join([*parts, worst_table(costs)])


def total() -> str:
    """What all steps together cost, by set and model: means, and the clip that loses most."""
    costs = sorted(read("cost"), key=lambda one: one["testset"])
    lines = []
    for one in costs:
        means = next(r for r in one["rows"] if r["system"] == "twin" and r["snr"] is None)
        lines.append([one["testset"], one["clips"], f"`{one['model']}`",
                      *(f"{value:+.{digits}f}" for measure, digits in MEASURES.items()
                        for value in (means[f"cost_{measure}"], one["worst"][measure]["cost"]))])
    head = ["set", "clips", "model", "cost in PESQ-WB", "worst clip", "in STOI", "worst clip"]
    measured = [f"Set `{testset}`. {names([*mine], model_names())}"
                for testset, mine in groupby(costs, key=lambda one: one["testset"])]  # fmt: skip
    return "\n\n".join([*measured, table(head, lines)])


def drift() -> str:
    """RMS of the states' difference in the first and last twelfth and in all, and the greatest."""
    drifts, lines = read("drift"), []
    for one in drifts:
        rms = [part["rms"] for part in one["parts"]]
        whole = (sum(r * r for r in rms) / len(rms)) ** 0.5
        cells = (rms[0], rms[-1], max(rms), whole, max(p["greatest"] for p in one["parts"]))
        lines.append([f"`{one['model']}`", f"{one['minutes']:g}", *(f"{c:.4f}" for c in cells)])
    head = ["model", "minutes", "RMS, first twelfth", "last twelfth", "largest twelfth", "all",
            "greatest difference"]
    return f"{names(drifts, model_names())}\n\n{table(head, lines)}"


def matrix() -> str:
    """A row a model: how much was compared, and how much of it differs."""
    matrices, lines = read("matrix"), []
    for one in matrices:
        rows = one["rows"]
        wrong = sum(row["mismatches"] for row in rows)
        builds = {(row["target"], row["build"]) for row in rows}
        lines.append([f"`{one['model']}`", len(builds), len(rows),
                      sum(row["values"] for row in rows), wrong,
                      f"{one['seconds'] / 60:.0f}"])
    head = ["model", "builds", "builds × CPUs", "values compared", "differ", "minutes"]
    return f"{names(matrices, model_names())}\n\n{table(head, lines)}"


def measured() -> str:
    """Integer stages against float ones: SNR in dB / greatest error; the FFT by level."""
    parts = []
    for one in read("first-ring"):
        sounds = list(one["periods"])
        lines = [[row["signal"], row["stage"],
                  *(f"{snr:.0f} / {error:.3g}" for snr, error in row["sounds"].values()),
                  row["unit"]] for row in one["rows"]]  # fmt: skip
        shares = (f"{100 * share:.1f} %" for share in one["periods"].values())
        lines.append(["period", "pitch", *shares, "share of frames with the same period"])
        levels = ", ".join(f"{level} dBFS {snr:.1f} dB" for level, snr in one["fft"].items())
        head = ["signal", "stage", *sounds, "greatest error in"]
        parts.append(f"{names([one], [])}\n\n{table(head, lines)}\nFFT 960, noise: {levels}.\n")
    return "\n".join(parts)

