"""The report as one page that opens offline: audio, pictures, plots and tables all inside."""

import base64
import io
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
import soundfile as sf
from PIL import Image

from eval.integers import sections
from eval.ladder import read_steps
from eval.metrics import METRICS
from eval.score import best_system, system_key
from eval.tables import DIGITS, HEADS, LADDER, ladder_cells, show, summary

N_CLIPS = 4
MAX_AUDIO_BYTES = 5_000_000  # before base64, which adds a third
PLOTS = ("pesq_wb", "stoi", "si_sdr")
WINDOW, WIDTH, HEIGHT = 960, 560, 200  # of a spectrogram: samples; pixels
RANGE_DB = (-110, -30)  # dB re full scale, same colours on every picture


def uri(kind: str, data: bytes) -> str:
    """data: URI of some bytes."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def spectrogram(x: np.ndarray) -> bytes:
    """PNG (WIDTH × HEIGHT, 64 colours) of 0–24 kHz, linear, whole length, Hann window 20 ms."""
    window = np.hanning(WINDOW)
    starts = np.linspace(0, max(0, x.size - WINDOW), WIDTH).astype(int)
    x = np.pad(x, (0, max(0, WINDOW - x.size)))
    frames = x[starts[:, None] + np.arange(WINDOW)] * window
    db = 20 * np.log10(np.abs(np.fft.rfft(frames)) * 2 / window.sum() + 1e-9)
    bins = np.linspace(db.shape[1] - 1, 0, HEIGHT).astype(int)
    level = np.clip((db[:, bins].T - RANGE_DB[0]) / (RANGE_DB[1] - RANGE_DB[0]), 0, 1)
    pixels = (matplotlib.colormaps["magma"](level)[:, :, :3] * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).quantize(64).save(file, "PNG", optimize=True)
    return file.getvalue()


def recording(path: Path, title: str, note: str) -> dict:
    """{title, note, audio, picture, bytes} of one WAV, audio as FLAC; audio None if missing."""
    if not path.exists():
        return {"title": title, "note": f"{path.name}: missing", "audio": None, "bytes": 0}
    x, rate = sf.read(path)
    file = io.BytesIO()
    sf.write(file, x, rate, format="FLAC", subtype="PCM_16", compression_level=1.0)
    flac = file.getvalue()
    return {"title": title, "note": note, "audio": uri("audio/flac", flac),
            "picture": uri("image/png", spectrogram(x)), "bytes": len(flac)}


def choose_clips(rows: list[dict]) -> list[dict]:
    """Four noisy rows: one at each SNR with different noises, else spread over the set."""
    noisy = [row for row in rows if row["system"] == "noisy"]
    chosen: list[dict] = []
    for snr in sorted({row["snr"] for row in noisy} - {None}):
        heard = {row["noise"] for row in chosen}
        here = [row for row in noisy if row["snr"] == snr]
        chosen.append(next((row for row in here if row["noise"] not in heard), here[0]))
    rest = [row for row in noisy if row not in chosen]
    while len(chosen) < N_CLIPS and rest:
        chosen.append(rest.pop(len(rest) // 2))
    return chosen[:N_CLIPS]


def figures(rows: list[dict], system: str | None, clip: str) -> str:
    """"PESQ-WB 1.52, STOI 0.870" of one clip, or why there are none."""
    row = next((r for r in rows if r["system"] == system and r["clip"] == clip), None)
    if row is None or row["error"]:
        return row["error"] if row else "not scored"
    return f"PESQ-WB {row['pesq_wb']:.2f}, STOI {row['stoi']:.3f}"


def listening(build: Path, name: str, rows: list[dict]) -> list[dict]:
    """Clips to listen to: [{title, parts: [recording …]}], as many as fit MAX_AUDIO_BYTES."""
    ours = best_system(list({row["system"] for row in rows}))
    shown, total = [], 0
    for row in choose_clips(rows):
        clip, sets = row["clip"], build / "sets" / name
        parts = [recording(sets / "noisy" / f"{clip}.wav", "noisy", figures(rows, "noisy", clip))]
        if ours:
            parts.append(recording(build / "out" / ours / name / f"{clip}.wav",
                                   f"enhanced ({ours})", figures(rows, ours, clip)))
        parts.append(recording(sets / "clean" / f"{clip}.wav", "clean", "the reference"))
        total += sum(part["bytes"] for part in parts)
        if total > MAX_AUDIO_BYTES and shown:
            break
        facts = [row["noise"], "" if row["snr"] is None else f"{row['snr']:.0f} dB", row["reverb"]]
        shown.append({"name": clip, "title": ", ".join(f for f in facts if f) or clip,
                      "parts": parts})
    return shown


def ladder_tables(report: dict, titles: dict[str, str]) -> list[dict]:
    """For each set of the oracle ladder: {name, head, rows}; steps in words."""
    cells = ladder_cells(report)
    return [{"name": name, "head": ["step", *(HEADS[m] for m in LADDER), ""],
             "rows": [[*row[1:], titles.get(row[1], "")] for row in cells if row[0] == name]}
            for name in dict.fromkeys(row[0] for row in cells)]


def ladder_listening(build: Path, report: dict, scores: dict[str, list[dict]],
                     titles: dict[str, str]) -> dict | None:
    """One clip after every step of the ladder: {name, parts}; None without a ladder or scores."""
    name = next((r["testset"] for r in report["ladder"] if r["testset"] in scores), None)
    if name is None:
        return None
    clip = choose_clips(scores[name])[:2][-1]["clip"]
    sets, parts = build / "sets" / name, []
    for row in report["ladder"]:
        if row["testset"] == name:
            path = build / "ladder" / "out" / row["step"] / name / f"{clip}.wav"
            path = sets / "noisy" / f"{clip}.wav" if row["step"] == "noisy" else path
            parts.append(recording(path, row["step"], titles.get(row["step"], "")))
    parts.append(recording(sets / "clean" / f"{clip}.wav", "clean", "the reference"))
    return {"name": f"{name}, {clip}", "parts": parts}


def axis(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart), at most 7, from ≤ low to ≥ high."""
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-6) / 5))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= 5)
    first, last = np.floor(low / step + 1e-6), np.ceil(high / step - 1e-6)
    return [float(k * step) for k in np.arange(first, last + 1)]


def plot(report: dict, name: str, metric: str) -> dict | None:
    """Bars of one measure by SNR and system as geometry for the template; None without SNRs.

    The plot area is 400 × 150 with its upper left corner at (34, 10).
    """
    rows = [r for r in report["quality"]
            if r["testset"] == name and r["snr"] is not None and r[metric] is not None]
    if not rows:
        return None
    systems = sorted({r["system"] for r in rows}, key=system_key)
    snrs = sorted({r["snr"] for r in rows})
    base = 1.0 if metric == "pesq_wb" else 0.0  # the scale's own worst value
    values = [base, *(r[metric] for r in rows)]
    marks = axis(min(values), max(values))
    span = (marks[-1] - marks[0]) or 1.0

    def height(value: float) -> float:
        return 160 - (value - marks[0]) / span * 150

    group = 400 / len(snrs)
    width = group * 0.8 / len(systems)
    bars = []
    for r in rows:
        column = systems.index(r["system"])
        ends = sorted((height(r[metric]), height(base)))
        bars.append({"x": 34 + (snrs.index(r["snr"]) + 0.1) * group + column * width,
                     "y": ends[0], "w": width * 0.92, "h": max(0.5, ends[1] - ends[0]),
                     "colour": column,
                     "text": f"{r['system']}, {r['snr']} dB: {show(r[metric], DIGITS[metric])}"})
    return {"title": HEADS[metric], "bars": bars, "systems": systems,
            "ticks": [{"y": height(m), "text": f"{m:.4g}"} for m in marks],
            "labels": [{"x": 34 + (k + 0.5) * group, "text": f"{snr} dB"}
                       for k, snr in enumerate(snrs)]}


def quality_tables(report: dict) -> list[dict]:
    """For each set: {name, head, rows: overall and by SNR, plots}."""
    tables = []
    for name in dict.fromkeys(r["testset"] for r in report["quality"]):
        rows = [[r["system"], "all" if r["snr"] is None else f"{r['snr']} dB", str(r["clips"]),
                 *(show(r[m], DIGITS[m]) for m in METRICS)]
                for r in report["quality"] if r["testset"] == name]
        overall = [row for row in rows if row[1] == "all"]
        plots = [p for m in PLOTS if (p := plot(report, name, m))]
        tables.append({"name": name, "head": ["system", "SNR", "clips", *HEADS.values()],
                       "overall": overall, "by_snr": [r for r in rows if r[1] != "all"],
                       "plots": plots})
    return tables


def stage_tables(report: dict) -> list[dict]:
    """For each target, CPU, model and call: {title, total, stages: [{name, mean, max, share}]}."""
    groups: dict[str, list[dict]] = {}
    for row in report["complexity"]:
        title = f"{row['target']} {row['cpu']}, model {row['model']}, call of one {row['call']}"
        groups.setdefault(title, []).append(row)
    tables = []
    for title, rows in groups.items():
        stages = [r for r in rows if r["stage"] != "total"]
        total = next((r for r in rows if r["stage"] == "total"), None)
        whole = total["instructions_mean"] if total else sum(r["instructions_mean"] for r in stages)
        tables.append({"title": title, "stages": [
            {"name": r["stage"], "mean": show(r["instructions_mean"]),
             "max": show(r["instructions_max"]),
             "share": 100 * r["instructions_mean"] / whole if whole else 0}
            for r in [*stages, *([total] if total else [])]]})
    return tables


def clip_rows(scores: dict[str, list[dict]]) -> list[list[str]]:
    """One row for every clip and system of every set, failures with their reason."""
    return [[name, r["clip"], r["system"],
             *([show(r[m], DIGITS[m]) for m in METRICS] if not r["error"]
               else [f"failed: {r['error']}"] + [""] * (len(METRICS) - 1)), show(r["delay"])]
            for name, rows in scores.items() for r in rows]


def plain(rows: list[dict]) -> dict:
    """{head, rows} of a list of dicts, for a table."""
    head = list(rows[0]) if rows else []
    return {"head": head, "rows": [[show(row.get(k)) for k in head] for row in rows]}


def write_page(path: Path, report: dict, scores: dict[str, list[dict]], build: Path) -> None:
    """Render report_template.html.j2 to `path`, whole or not at all."""
    listen = next(((name, listening(build, name, rows)) for name, rows in scores.items()), None)
    titles = read_steps(build)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined,
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    ).get_template("report_template.html.j2")
    text = template.render(
        summary=summary(report), missing=report["provenance"]["missing"],
        ladder=ladder_tables(report, titles),
        ladder_clip=ladder_listening(build, report, scores, titles),
        quality=quality_tables(report), stages=stage_tables(report), listen=listen,
        integers=sections(report["integers"]),
        conformance=plain(report["conformance"]), footprint=plain(report["footprint"]),
        margins=report["provenance"]["margins"], clips=clip_rows(scores),
        clip_head=["test set", "clip", "system", *HEADS.values(), "delay"],
        provenance={k: v for k, v in report["provenance"].items()
                    if k in ("scoring", "sets", "targets")})
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)
