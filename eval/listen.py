"""What can be heard and seen of every clip: audio and spectrograms as data for the page."""

import base64
import io
from pathlib import Path

import matplotlib
import numpy as np
import soundfile as sf
from PIL import Image

from eval.score import system_key

MAX_BYTES = 14_000_000  # of audio and pictures, before base64, which adds a third
MP3 = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT",
       "compression_level": 0.6}  # libsndfile: 160 kbit/s; every browser plays it, bytes repeat
SOUND = Path(__file__).resolve().parents[1] / "docs" / "audio"  # what pages play and show
WINDOW, WIDTH, HEIGHT = 960, 560, 200  # of a spectrogram: samples; pixels
RANGE_DB = (-110, -30)  # dB re full scale, same colours on every picture


def uri(kind: str, data: bytes) -> str:
    """data: URI of some bytes."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def spectrogram(x: np.ndarray) -> bytes:
    """WebP (WIDTH × HEIGHT) of 0–24 kHz, linear, whole length, Hann window 20 ms."""
    window = np.hanning(WINDOW)
    starts = np.linspace(0, max(0, x.size - WINDOW), WIDTH).astype(int)
    x = np.pad(x, (0, max(0, WINDOW - x.size)))
    frames = x[starts[:, None] + np.arange(WINDOW)] * window
    db = 20 * np.log10(np.abs(np.fft.rfft(frames)) * 2 / window.sum() + 1e-9)
    bins = np.linspace(db.shape[1] - 1, 0, HEIGHT).astype(int)
    level = np.clip((db[:, bins].T - RANGE_DB[0]) / (RANGE_DB[1] - RANGE_DB[0]), 0, 1)
    pixels = (matplotlib.colormaps["magma"](level)[:, :, :3] * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=60)
    return file.getvalue()


def sound(samples: np.ndarray, rate: int = 48000, compression: float = 0.75) -> bytes:
    """MP3 of (N,) samples; compression as libsndfile counts, 0.75: 96 kbit/s."""
    file = io.BytesIO()
    sf.write(file, samples, rate, **MP3 | {"compression_level": compression})
    return file.getvalue()


def recording(path: Path, title: str, note: str) -> dict:
    """{title, note, audio, picture, bytes} of one WAV, audio as MP3; audio None if missing."""
    if not path.exists():
        return {"title": title, "note": f"{path.name}: missing", "audio": None, "bytes": 0}
    x, rate = sf.read(path)
    audio, picture = sound(x, rate, MP3["compression_level"]), spectrogram(x)
    return {"title": title, "note": note, "audio": uri("audio/mpeg", audio),
            "picture": uri("image/webp", picture), "bytes": len(audio) + len(picture)}


def choose_clips(rows: list[dict], count: int) -> list[dict]:
    """`count` noisy rows, the best mixed first: one at each SNR with different noises, then
    spread over the set."""
    noisy = [row for row in rows if row["system"] == "noisy"]
    chosen: list[dict] = []
    for snr in sorted({row["snr"] for row in noisy} - {None}):
        heard = {row["noise"] for row in chosen}
        here = [row for row in noisy if row["snr"] == snr]
        chosen.append(next((row for row in here if row["noise"] not in heard), here[0]))
    rest = [row for row in noisy if row not in chosen]
    while len(chosen) < count and rest:
        chosen.append(rest.pop(len(rest) // 2))
    return chosen[:count]


def figures(row: dict) -> str:
    """"PESQ-WB 1.52, STOI 0.87" of one row, or why there are none."""
    if row["error"]:
        return f"failed: {row['error']}"
    shown = {"PESQ-WB": "pesq_wb", "STOI": "stoi", "DNSMOS OVRL": "dnsmos_ovrl"}
    return ", ".join(f"{head} {row[m]:.2f}" for head, m in shown.items() if row.get(m) is not None)


def same_sound(rows: list[dict]) -> list[tuple[str, dict]]:
    """(names of all systems with these samples, row) in order: equal outputs are heard once."""
    groups: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda r: system_key(r["system"])):
        groups.setdefault(row.get("sha256") or row["system"], []).append(row)
    return [(" = ".join(r["system"] for r in group), group[0]) for group in groups.values()]


def clip_parts(build: Path, name: str, rows: list[dict]) -> list[dict]:
    """Recordings of one clip: noisy, what each system made of it, clean."""
    sets, clip = build / "sets" / name, rows[0]["clip"]
    parts = []
    for title, row in same_sound(rows):
        path = (sets / "noisy" if row["system"] == "noisy"
                else build / "out" / row["system"] / name) / f"{clip}.wav"
        if path.exists():
            parts.append(recording(path, title, figures(row)))
    clean = sets / "clean" / f"{clip}.wav"
    return [*parts, *([recording(clean, "clean", "the reference")] if clean.exists() else [])]


def listening(build: Path, name: str, rows: list[dict]) -> list[dict]:
    """Clips to listen to, [{name, title, parts: [recording …]}], in the order of the set: all, or
    the best mixed as far as MAX_BYTES go."""
    by_clip: dict[str, list[dict]] = {}
    for row in rows:
        by_clip.setdefault(row["clip"], []).append(row)
    shown, total = {}, 0
    for row in choose_clips(rows, len(by_clip)):
        parts = clip_parts(build, name, by_clip[row["clip"]])
        total += sum(part["bytes"] for part in parts)
        if total > MAX_BYTES and shown:
            break
        facts = [row["noise"], "" if row["snr"] is None else f"{row['snr']:.0f} dB", row["reverb"]]
        shown[row["clip"]] = {"name": row["clip"], "parts": parts,
                              "title": ", ".join(f for f in facts if f) or row["clip"]}
    return [shown[clip] for clip in by_clip if clip in shown]


def ladder_listening(build: Path, report: dict, scores: dict[str, list[dict]]) -> dict | None:
    """One clip after every step of the ladder: {name, parts}; None without a ladder or scores."""
    name = next((r["testset"] for r in report["ladder"] if r["testset"] in scores), None)
    if name is None:
        return None
    clip = choose_clips(scores[name], 2)[-1]["clip"]
    sets, parts = build / "sets" / name, []
    for row in report["ladder"]:
        if row["testset"] == name:
            path = build / "ladder" / "out" / row["step"] / name / f"{clip}.wav"
            path = sets / "noisy" / f"{clip}.wav" if row["step"] == "noisy" else path
            parts.append(recording(path, row["step"], row["title"]))
    parts.append(recording(sets / "clean" / f"{clip}.wav", "clean", "the reference"))
    return {"name": f"{name}, {clip}", "parts": parts}
