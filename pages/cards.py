"""The parts of a model card that are measured, or follow from the weights."""

from collections import defaultdict

from safetensors import safe_open

from eval.baseline import read, read_all
from eval.listen import SOUND
from eval.tables import HEADS, STEP_MEASURES
from pages import weaknesses
from pages.scores import MEASURES, figures, set_names, stored
from reference import dnn
from reference.dnn import weights_hash
from reference.markdown import table


def weights(model: str) -> str:
    """Count, type and hash of the weights, from the file; links to the sound of one clip."""
    path = dnn.model_path(model)
    with safe_open(path, "np") as file:
        tensors = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
    kinds = ", ".join(sorted({str(tensor.dtype) for tensor in tensors}))
    count = sum(tensor.size for tensor in tensors)
    text = f"{count:,} parameters, {kinds}, sha256 `{weights_hash(model)}`.\n"
    if not (SOUND / f"{model}.mp3").exists():
        return text
    return f"{text}To hear: [before](/docs/audio/noisy.mp3), [after](/docs/audio/{model}.mp3).\n"


def of_older(results: dict[str, dict], model: str) -> str:
    """A sentence that names the sets whose results are of other weights; empty if there is none."""
    old = {r["testset"]: None for r in results.values() if r["weights"] != weights_hash(model)}
    return f"Measured with the weights before these: {', '.join(old)}.\n\n" if old else ""


def by_snr(testset: str, rows: list[dict]) -> str:
    """Means of one set over all clips, then by SNR; a row a system."""
    shown = [row for row in rows if row["noise"] is None]
    snrs = sorted({row["snr"] for row in shown} - {None})
    lines = [[testset, "all" if snr is None else f"{snr} dB", row["clips"], row["system"],
              *figures(row)] for snr in (None, *snrs) for row in shown if row["snr"] == snr]
    return table(["set", "SNR", "clips", "system", *(HEADS[m] for m in MEASURES)], lines)


def by_noise(testset: str, rows: list[dict]) -> str:
    """PESQ-WB of one set by class of noise: a column a system."""
    systems = list(dict.fromkeys(row["system"] for row in rows))
    found: dict[str, dict[str, dict]] = defaultdict(dict)
    for row in rows:
        if row["noise"] is not None:
            found[row["noise"]][row["system"]] = row
    lines = [[testset, noise, next(iter(mine.values()))["clips"],
              *(figures(mine.get(system), ["pesq_wb"])[0] for system in systems)]
             for noise, mine in sorted(found.items())]
    return table(["set", "noise", "clips", *systems], lines)


def scores(model: str) -> str:
    """Every set by SNR, then every set by noise."""
    sets = {name: stored(name, model) for name in set_names() if read("scores", f"{name}/{model}")}
    if not sets:
        return "Not scored yet: `make baseline`.\n"
    old = of_older({name: read("scores", f"{name}/{model}") for name in sets}, model)
    return "\n".join([
        "`make score` with default options; \"twin\" is the integer model, which every target",
        f"equals bit for bit. Means over the clips; higher is better.\n\n{old}".rstrip() + "\n",
        *(by_snr(name, rows) for name, rows in sets.items()),
        "By class of noise, PESQ-WB:\n", *(by_noise(name, rows) for name, rows in sets.items())])


def parts(model: str) -> str:
    """What each part of the chain is worth, and true values would be."""
    found = read_all("studies", f"parts-{model}-*")
    tables = [table(["set", "what", *(HEADS[m] for m in STEP_MEASURES)],
                    [[one["testset"], row["title"], *figures(row, STEP_MEASURES)]
                     for row in one["rows"]]) for one in found.values()]
    return of_older(found, model) + "\n".join(tables or ["Not measured yet: `make parts`.\n"])


def beside(pair: list[float] | None) -> str | None:
    """Mean and worst of RNNoise; None where it was not measured."""
    return ", ".join(f"{value:g}" for value in pair) if pair else None


def trials(model: str) -> str:
    """Trials at the edge, and the cases of lost speech below them, set by set."""
    found = read_all("studies", f"trials-{model}-*") | read_all("studies", f"cases-{model}-*")
    lines = [[one["testset"], row["trial"], row["measure"], f"{row['mean']:g}", f"{row['worst']:g}",
              row.get("wanted") or None, beside(row.get("rnnoise"))]
             for one in sorted(found.values(), key=lambda one: one["testset"])
             for row in one["rows"]]  # fmt: skip
    if not lines:
        return "Not measured yet: `make trials`.\n"
    head = ["set", "trial", "measure", "mean", "worst clip", "wanted", "RNNoise"]
    return of_older(found, model) + table(head, lines)


PARTS = {"weights": weights, "scores": scores, "parts": parts, "trials": trials,
         "weaknesses": weaknesses.cases}  # fmt: skip
