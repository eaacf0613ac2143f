"""eval/complexity.py: kernels counted with their stage, and nothing drawn that was not counted."""

import json
import re

import pytest

from eval import complexity


def write_run(build, **lists) -> list[dict]:
    """runs of one target with these rows and two kernels."""
    gen = build / "arm64" / "gen"
    gen.mkdir(parents=True)
    ops = [{"name": "matmul_s8", "stage": "dnn"}, {"name": "matmul_s8_s16", "stage": "dnn"}]
    (gen / "plan.json").write_text(json.dumps({"kernels": {"ops": ops}}))
    (build / "arm64" / "run.json").write_text(json.dumps(lists))
    return complexity.read_runs(build)


def counted(**stages: float) -> list[dict]:
    row = {"target": "arm64", "cpu": "a53", "call": "frame"}
    return [row | {"stage": stage, "instructions_mean": n} for stage, n in stages.items()]


def test_kernels_belong_to_their_stage(tmp_path):
    rows = counted(dnn=1.5, matmul_s8_neon=20, matmul_s8_s16_neon=300, pitch=7, total=328.5)
    runs = write_run(tmp_path, complexity=rows)
    assert complexity.stacks(runs) == {"arm64 a53, frame": {"dnn": 321.5, "pitch": 7}}


def test_plot_is_the_same_every_time_and_names_what_costs(tmp_path):
    runs = write_run(tmp_path, complexity=counted(dnn=10, pitch=7, highpass=0, total=17))
    image = complexity.plot(runs)
    assert image == complexity.plot(runs)
    assert "<!-- dnn -->" in image and "<!-- pitch -->" in image
    assert "<!-- highpass -->" not in image


def test_every_cpu_has_the_same_room_in_the_plot(tmp_path):
    rows = counted(dnn=10, total=10)
    more = [row | {"cpu": cpu} for cpu in ("a53", "a76", "a55") for row in rows]
    heights = [float(re.search(r'height="([\d.]+)pt"', complexity.plot(runs))[1])
               for runs in (write_run(tmp_path / str(len(found)), complexity=found)
                            for found in (rows, more[:4], more))]  # fmt: skip
    assert heights[2] - heights[1] == pytest.approx(heights[1] - heights[0]) and heights[1] > 100


def test_nothing_without_counts(tmp_path):
    runs = write_run(tmp_path)
    assert complexity.plot(runs) is None and complexity.sections(runs) == []


def test_estimates_are_called_so(tmp_path):
    row = dict.fromkeys(complexity.CYCLES, 1000) | {"core": "Cortex-A53", "llvm": "19.1.7"}
    (part,) = complexity.sections(write_run(tmp_path, cycles=[row]))
    assert "estimate" in part["note"] and "19.1.7" in part["note"]
    assert part["rows"][0][:3] == ["1,000", "Cortex-A53", "1,000"]


def test_time_without_a_ratio_has_a_dash(tmp_path):
    row = dict.fromkeys(complexity.REALTIME, 1.5) | {"kernels": "avx2", "ratio": None}
    (part,) = complexity.sections(write_run(tmp_path, realtime=[row]))
    assert part["rows"][0][3] == "avx2" and part["rows"][0][-1] == "-"
