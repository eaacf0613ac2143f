"""The first screen of the report: its words, players and costs, from records made by hand."""

import numpy as np
import pytest
import soundfile

from eval import front


def row(system: str, clip: str, pesq: float | None, error: str = "") -> dict:
    return {"system": system, "clip": clip, "pesq_wb": pesq, "stoi": None, "dnsmos_ovrl": None,
            "error": error}  # fmt: skip


def mean(system: str, pesq: float, testset: str = "tiny", snr: float | None = None) -> dict:
    return {"testset": testset, "system": system, "snr": snr, "clips": 3, "pesq_wb": pesq}


SIZES = {"model": "small", "state": 20_480, "scratch": 8192, "stack": 2048, "weights": 200_000,
         "rodata": 30_000, "text": 25_200, "read_frame": 150_000}  # fmt: skip
REPORT = {
    "provenance": {
        "targets": {"host": {}, "arm64": {"model": "small"}},
        "weights": {"small": {"sha256": "0123456789abcdef" * 4}},
        "sets": {"tiny": {"clips": 3, "scored": "2026-11-01", "score_rate": 16000, "source": "X"}},
        "commit": "c0ffee",
    },
    "footprint": [SIZES | {"state": 0}, SIZES, SIZES | {"model": "tiny"}],
    "conformance": [
        {"target": "arm64", "cpu": "a53", "mismatches": 0, "samples": 3000},
        {"target": "arm64", "cpu": "a76", "mismatches": 0, "samples": 3000},
        {"target": "host", "cpu": "native", "mismatches": 0, "samples": 1234},
    ],
    "quality": [mean("noisy", 1.5), mean("twin", 2.25), mean("arm64-a53", 2.25),
                mean("pyrnnoise", 2.5), mean("dfn3", 2.0), mean("twin", 9, snr=5.0),
                mean("twin", 9, testset="other")],
    "complexity": [
        {"call": "frame", "stage": "total", "target": "arm64", "cpu": "cortex-a53",
         "instructions_mean": 500_400},
        {"call": "frame", "stage": "total", "target": "armv7", "cpu": "cortex-a15",
         "instructions_mean": 700_000},
        {"call": "frame", "stage": "dnn", "target": "arm64", "cpu": "cortex-a53",
         "instructions_mean": 9},
        {"call": "block4", "stage": "total", "target": "arm64", "cpu": "cortex-a53",
         "instructions_mean": 9},
    ],
}  # fmt: skip
CYCLES = [{"core": "A55", "ghz": 2.0, "resident_bytes": 1 << 20, "percent_l2": [1.0, 2.0],
           "percent_dram": [3.0, 4.0]}]  # fmt: skip
NOTHING = {"provenance": {"targets": {}, "weights": {}, "sets": {}, "commit": "c0ffee"},
           "footprint": [], "conformance": [], "quality": [], "complexity": []}  # fmt: skip


def test_facts_of_the_run():
    assert front.facts(REPORT, "tiny") == [
        ("model", "small, weights 0123456789ab"), ("targets", "arm64 (a53, a76); host (native)"),
        ("test set", "X, 3 clips, scored at 16 kHz"), ("scored", "2026-11-01"),
        ("commit", "c0ffee")]  # fmt: skip
    assert front.facts(NOTHING, None) == [("commit", "c0ffee")]


def test_the_verdict_names_who_is_better():
    assert front.verdict(REPORT, "tiny", CYCLES) == (
        "On tiny, small raises PESQ-WB from 1.50 to 2.25; pyrnnoise reaches 2.50, which is better; "
        "dfn3 reaches 2.00; a hop of 10 ms takes an estimated 1.0–4.0 % of a A55 at 2.0 GHz; "
        "all 7,234 samples equal the integer model.")  # fmt: skip
    uneven = {"target": "host", "cpu": "x", "mismatches": 2, "samples": 9}
    wrong = REPORT | {"conformance": [uneven]}
    assert front.verdict(wrong, None, []) == "2 of 9 samples DIFFER from the integer model."
    assert front.verdict(NOTHING, None, []) == "Nothing has been run yet."


@pytest.mark.parametrize("left_out", ["noisy", "arm64-a53"])
def test_without_noisy_or_ours_there_is_no_gain_to_tell(left_out):
    rows = [r for r in REPORT["quality"] if r["system"] not in (left_out, "twin")]
    assert front.quality_words({**REPORT, "quality": rows}, "tiny") is None


def test_costs_beside_rnnoise():
    found = front.costs(REPORT, CYCLES)
    assert found["head"] == ["", "small", "RNNoise"]
    assert found["rows"] == [
        ["a hop on A55, 2.0 GHz: estimate", "0.10–0.40 ms, 1.0–4.0 %", "–"],
        ["latency, the hop included", "40 ms", "30 ms"],
        ["RAM an instance, stack included", "30 KB", "32 KB"],
        ["flash: weights, tables, code", "249 KB", "3,510 KB"],
        ["weights read", "15 MB/s", "354 MB/s"],
        ["instructions a hop, arm64 cortex-a53", "500 k", "1,891 k"],
        ["instructions a hop, armv7 cortex-a15", "700 k", "–"]]  # fmt: skip


ROWS = [row("noisy", clip, 1.0) for clip in "abcd"] + [
    row("arm64-a53", "a", 1.1), row("arm64-a53", "b", 1.9), row("arm64-a53", "c", 1.4),
    row("arm64-a53", "d", None, "lost"), row("pyrnnoise", "c", 1.2)]  # fmt: skip


def test_the_typical_clip_has_the_median_gain():
    assert front.typical_clip(ROWS) == "c"
    assert front.typical_clip(ROWS[:-2]) == "c" and front.typical_clip(ROWS[:4]) is None


def test_players_of_the_typical_clip(tmp_path):
    """Noisy, ours and the best of the others; what has no sound is left out."""
    for folder in ("sets/tiny/noisy", "out/arm64-a53/tiny", "out/pyrnnoise/tiny"):
        (tmp_path / folder).mkdir(parents=True)
        soundfile.write(tmp_path / folder / "c.wav", np.zeros(4800), 48000)
    found = front.players(tmp_path, REPORT, "tiny", ROWS)
    assert [(player["title"], player["note"]) for player in found] == [
        ("noisy", "PESQ-WB 1.00"), ("ours: small", "PESQ-WB 1.40"), ("pyrnnoise", "PESQ-WB 1.20")]
    (tmp_path / "out/arm64-a53/tiny/c.wav").unlink()
    assert len(front.players(tmp_path, REPORT, "tiny", ROWS)) == 2
    assert front.players(tmp_path, REPORT, "tiny", ROWS[:4]) == []
