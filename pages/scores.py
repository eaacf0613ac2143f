"""Scores: of all systems, and of the models beside each other."""

from collections.abc import Iterable

from eval.baseline import HERE, read, read_all
from eval.systems import read_table
from eval.tables import DIGITS, HEADS
from reference.dnn import MODELS, load
from reference.markdown import table

DEFAULT = "small"
MEASURES = ("pesq_wb", "stoi", "estoi", "si_sdr", "dnsmos_ovrl")
SETS = {"embedded": "embedded set", "valid60": "recorded speech", "studio": "studio speech"}
COMPARED, JUDGED = ("valid60", "studio"), ("pesq_wb", "estoi", "dnsmos_ovrl")  # models beside peers
NAMES = {"float": "float reference", "twin": "integers: twin = C on every target",
         "pyrnnoise": "RNNoise", "webrtc-noise-gain": "WebRTC", "dfn3": "DeepFilterNet 3"}


def model_names() -> list[str]:
    """Every model of reference/models, the smallest file first."""
    return [p.stem for p in sorted(MODELS.glob("*.safetensors"), key=lambda p: p.stat().st_size)]


def set_names() -> list[str]:
    """Every set with stored scores: those of SETS first, others by name."""
    found = {path.name for path in (HERE / "scores").iterdir()}
    return [*(name for name in SETS if name in found), *sorted(found - set(SETS))]


def stored(testset: str, model: str) -> list[dict]:
    """Rows of a set: noisy, float and twin of a model, then outside systems as systems.toml has."""
    found = read_all("scores", f"{testset}/*")
    names = ["noisy", model, *(name for name in read_table() if name in found)]
    return [row for name in names if name in found for row in found[name]["rows"]]


def figures(row: dict | None, measures: Iterable[str] = MEASURES) -> list[str | None]:
    """Cells of a row of scores, with the digits of each measure; None where there is no figure."""
    values = ((row or {}).get(m) for m in measures)
    return [None if v is None else f"{v:.{DIGITS[m]}f}"
            for m, v in zip(measures, values, strict=True)]  # fmt: skip


def overall(testset: str, name: str, system: str) -> dict | None:
    """The row of one system over all clips of a set; None if it was not scored."""
    content = read("scores", f"{testset}/{name}") or {"rows": []}
    return next((row for row in content["rows"] if row["system"] == system
                 and row["snr"] is None and row["noise"] is None), None)  # fmt: skip


def systems() -> str:
    """Means over the embedded set, a row a system."""
    rows = [row for row in stored("embedded", DEFAULT) if row["snr"] is row["noise"] is None]
    lines = []
    for row in rows:
        outside = read("scores", f"embedded/{row['system']}") or {}
        version = f" ({row['system']} {outside['version']})" if outside.get("version") else ""
        lines.append([NAMES.get(row["system"], row["system"]) + version, *figures(row)])
    title = f"embedded set, {rows[0]['clips']} clips, model `{DEFAULT}`"
    return table([title, *(HEADS[m] for m in MEASURES)], lines)


def models() -> str:
    """A row a model, integers, and one each for noisy and the outside systems, on recordings."""
    def cells(name: str, system: str) -> list[str | None]:
        return [cell for testset in COMPARED
                for cell in figures(overall(testset, name, system), JUDGED)]  # fmt: skip

    rows = [["noisy", None, *cells("noisy", "noisy")]]
    for model in model_names():
        count = sum(tensor.size for tensor in load(model).values())
        rows.append([f"[`{model}`](/reference/models/{model}.md)", count, *cells(model, "twin")])
    outside = (name for name in read_table() if all(overall(s, name, name) for s in COMPARED))
    rows += [[NAMES.get(name, name), None, *cells(name, name)] for name in outside]
    head = (f"{SETS[testset]}, {HEADS[m]}" for testset in COMPARED for m in JUDGED)
    return table(["model", "parameters", *head], rows)
