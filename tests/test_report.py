"""The report: exact means, the interface of report.json, a page that stands alone."""

import base64
import csv
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile as sf

from eval import pareto, statistics
from eval.metrics import METRICS
from eval.page import stage_tables
from eval.report import gather, main, margins, plan_margins
from eval.score import FIELDS
from eval.tables import merged

RATE = 48000
FIGURES = {"noisy": 1.2, "float": 1.8, "twin": 1.79, "host": 1.79, "arm64-cortex-a53": 1.79}
KEYS = {
    "conformance": {"target", "cpu", "compiler", "samples", "mismatches"},
    "quality": {"system", "testset", "snr", "clips", *METRICS},
    "by_noise": {"system", "testset", "noise", "clips", *METRICS},
    "spread": {"system", "testset", "measure", "clips", "mean", "median", "worst", "worst_clip",
               "difference", "low", "high"},
    "pareto": {"testset", "system", "instructions", "pesq_wb", "counted"},
    "complexity": {"target", "cpu", "model", "call", "stage", "instructions_mean",
                   "instructions_max"},
    "footprint": {"target", "model", "state", "scratch", "stack", "text", "rodata", "weights"},
}
RUN = {
    "provenance": {"commit": "abc", "flags": "-O3"},
    "conformance": [{"target": "arm64", "cpu": "cortex-a53", "compiler": "gcc 12",
                     "samples": 480000, "mismatches": 0}],
    "complexity": [{"target": "arm64", "cpu": "cortex-a53", "model": "small", "call": "frame",
                    "stage": s, "instructions_mean": m, "instructions_max": 2 * m}
                   for s, m in (("stft", 300000), ("dnn", 900000), ("total", 1200000))],
    "footprint": [{"target": "arm64", "model": "small", "state": 1024, "scratch": 2048,
                   "stack": 512, "text": 4096, "rodata": 8192, "weights": 1048576}],
}


def make_scores(build, systems=FIGURES, failed=()):
    """Set "tiny": two clips at 0 dB, one at 15 dB; PESQ-WB rises by 0.1 a clip."""
    clips = [("one_snr0_fileid_0", 0), ("two_snr0_fileid_1", 0), ("three_snr15_fileid_2", 15)]
    (build / "score").mkdir(parents=True)
    with open(build / "score" / "tiny.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for system in systems:
            for k, (clip, snr) in enumerate(clips):
                row = {"system": system, "clip": clip, "snr": snr, "noise": f"noise{k}"}
                if (system, k) in failed:
                    row["error"] = "silent output <b>"
                else:
                    row |= {"pesq_wb": FIGURES[system] + 0.1 * k, "pesq_nb": 2, "stoi": 0.8,
                            "estoi": 0.7, "si_sdr": 6, "delay": 0}
                writer.writerow(row)
    rng = np.random.default_rng(2)
    for clip, _ in clips:
        for folder in ("sets/tiny/noisy", "sets/tiny/clean", "out/arm64-cortex-a53/tiny"):
            (build / folder).mkdir(parents=True, exist_ok=True)
            sf.write(build / folder / f"{clip}.wav", 0.05 * rng.standard_normal(RATE), RATE)


@pytest.fixture
def build(tmp_path):
    make_scores(tmp_path)
    (tmp_path / "arm64" / "gen").mkdir(parents=True)
    (tmp_path / "arm64" / "run.json").write_text(json.dumps(RUN))
    plan = {"dnn": {"layers": [{"name": "gru1", "acc_margin_bits": 3.2, "pre_margin_bits": 9.0}]}}
    (tmp_path / "arm64" / "gen" / "plan.json").write_text(json.dumps(plan))
    return tmp_path


class Page(HTMLParser):
    """Collects tags, their src/href, and checks that what is opened is closed."""

    VOID = {"meta", "img", "link", "br", "line"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.ids = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [v for k, v in attrs if k == "id"]
        self.links += [v for k, v in attrs if k in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def test_interface(build):
    assert main(["--build", str(build)]) == 0
    report = json.loads((build / "report" / "report.json").read_text())
    assert list(report) == ["provenance", "conformance", "quality", "by_noise", "spread",
                            "baseline", "ladder", "pitch", "complexity", "footprint", "integers",
                            "pareto"]
    for name, keys in KEYS.items():
        assert report[name] and all(set(row) == keys for row in report[name]), name
    assert report["conformance"] == RUN["conformance"]
    assert report["provenance"]["targets"] == {"arm64": RUN["provenance"]}
    assert "pesq " in report["provenance"]["scoring"]["versions"]


def test_means_and_order(build):
    rows = gather(build)[0]["quality"]
    overall = [r for r in rows if r["snr"] is None]
    assert [r["system"] for r in overall] == list(FIGURES)
    value = {(r["system"], r["snr"]): (r["clips"], r["pesq_wb"]) for r in rows}
    assert value["noisy", None] == (3, pytest.approx(1.3))
    assert value["noisy", 0] == (2, pytest.approx(1.25))
    assert value["float", 15] == (1, pytest.approx(2.0))


def test_spread_and_paired_difference(build):
    """Every clip of float is 0.6 above noisy: the interval is a point, the noise classes agree."""
    report, _ = gather(build)
    row = next(r for r in report["spread"] if (r["system"], r["measure"]) == ("float", "pesq_wb"))
    assert (row["mean"], row["median"], row["worst"]) == pytest.approx((1.9, 1.9, 1.8))
    assert row["worst_clip"] == "one_snr0_fileid_0" and row["clips"] == 3
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((0.6, 0.6, 0.6))
    noise = {(r["system"], r["noise"]): r["pesq_wb"] for r in report["by_noise"]}
    assert noise["noisy", "noise2"] == pytest.approx(1.4) and len(noise) == 15


def test_a_figure_without_end_is_in_no_mean():
    """As of a score written by another tool: means and differences are of the other clips."""
    scores = {"noisy": {"a": np.inf, "b": 5.0}, "twin": {"a": np.inf, "b": 9.0, "c": np.nan}}
    rows = [{"system": system, "clip": clip, "error": "", "snr": None, "si_sdr": value}
            for system, clips in scores.items() for clip, value in clips.items()]  # fmt: skip
    (all_of_noisy, all_of_twin) = statistics.quality({"set": rows})
    assert (all_of_noisy["si_sdr"], all_of_twin["si_sdr"]) == (5, 9)
    (_, row) = statistics.spread({"set": rows})
    assert row["clips"] == 1 and (row["difference"], row["low"], row["high"]) == (4, 4, 4)


def test_interval_is_that_of_the_mean():
    """200 differences of deviation 1: ±1.96/√200 about the mean; seeded, so always the same."""
    x = np.random.default_rng(3).standard_normal(200)
    low, high = statistics.interval(x)
    want = 1.96 * x.std() / np.sqrt(x.size)
    assert (low, high) == pytest.approx((x.mean() - want, x.mean() + want), abs=0.015)
    assert (low, high) == statistics.interval(x)


def test_worst_is_the_highest_where_low_is_good():
    rows = [{"clip": c, "error": "", "speech_cut": v, "stoi": v} for c, v in (("a", 0.1), ("b", 1))]
    assert statistics.spread_row(rows, rows, "speech_cut")["worst_clip"] == "b"
    assert statistics.spread_row(rows, rows, "stoi")["worst_clip"] == "a"


def test_pareto_and_delay_of_outside_systems(build):
    """Counted here for ours, stated in system.json for others; the delay taken out is shown."""
    folder = build / "out" / "float" / "tiny"
    folder.mkdir(parents=True)
    about = {"name": "float", "entry": {"instructions": 5000, "instructions_from": "a paper"},
             "version": "1.2", "resampler": "soxr", "delay": 480}
    (folder / "system.json").write_text(json.dumps(about))
    report, _ = gather(build)
    assert [(p["system"], p["instructions"], p["counted"]) for p in report["pareto"]] == [
        ("float", 5000, "a paper"), ("arm64-cortex-a53", 1200000, "here")]
    facts = report["provenance"]["sets"]["tiny"]
    assert facts["delay"]["float"] == {"removed": 480, "median": 0, "largest": 0}
    assert facts["systems"]["float"]["version"] == "1.2"
    assert {"commit", "weights", "scoring"} < report["provenance"].keys()


def test_pareto_of_the_other_sizes(build, tmp_path, monkeypatch):
    """The built size from the run, others from the stored scores and counts; all are drawn."""
    monkeypatch.setattr("eval.baseline.HERE", tmp_path)
    for model, value in (("small", 9), ("full", 2)):
        scores = {"twin": {"a": {"pesq_wb": value}, "b": {"pesq_wb": value + 1}}}
        for name in (model, "noisy"):
            path = tmp_path / "scores" / "tiny" / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"scores": scores}))
    places = (("frame", "dnn", 1), ("frame", "total", 7), ("block4", "total", 5))
    rows = [{"cpu": "max", "call": call, "stage": stage, "instructions_mean": n}
            for call, stage, n in places]
    (tmp_path / "counts").mkdir()
    (tmp_path / "counts" / "arm64-full.json").write_text(json.dumps({"rows": rows}))
    report, _ = gather(build)
    assert report["pareto"][-1] == {"testset": "tiny", "system": "full arm64-max",
                                    "instructions": 7, "pesq_wb": 2.5, "counted": "eval/baseline"}
    assert [p["system"] for p in report["pareto"]] == ["arm64-cortex-a53", "full arm64-max"]
    checked = {"target": "arm64", "cpu": "max"}
    assert len(pareto.plot(report, "tiny")["points"]) == 1, "max was not checked here"
    report["conformance"].append(checked)
    assert len(pareto.plot(report, "tiny")["points"]) == 2


def test_stages_stand_by_what_they_cost():
    """The dearest first, the sum last."""
    (table,) = stage_tables(RUN)
    assert [(r["name"], r["share"]) for r in table["stages"]] == [
        ("dnn", 75), ("stft", 25), ("total", 100)]  # fmt: skip


def test_points_of_the_plot_stand_where_their_values_are():
    """Area 400 x 150 from (34, 10): powers of ten from left to right, fifths from tick to tick."""

    def point(system: str, instructions: float, value: float) -> dict:
        return {"testset": "t", "system": system, "instructions": instructions, "pesq_wb": value,
                "counted": "here"}

    noisy = {"testset": "t", "system": "noisy", "snr": None, "pesq_wb": 1.5}
    found = pareto.plot({"pareto": [point("a", 1e5, 1.6), point("b", 10 ** 6.5, 1.9)],
                         "quality": [noisy], "conformance": []}, "t")
    assert [p["x"] for p in found["points"]] == pytest.approx([34, 34 + 400 * 1.5 / 2])
    assert [label["x"] for label in found["labels"]] == pytest.approx([34, 234, 434])
    assert [label["text"] for label in found["labels"]] == ["0.1 M", "1 M", "10 M"]
    assert [tick["text"] for tick in found["ticks"]] == ["1.4", "1.6", "1.8", "2.0"]
    assert [tick["y"] for tick in found["ticks"]] == pytest.approx([160, 110, 60, 10])
    assert found["noisy"] == pytest.approx(135)
    assert [p["y"] for p in found["points"]] == pytest.approx([110, 35])
    assert [p["colour"] for p in found["points"]] == [1, 2]
    assert pareto.plot({"pareto": [], "quality": [noisy], "conformance": []}, "t") is None


def test_failures_are_counted_not_averaged(tmp_path, capsys):
    make_scores(tmp_path, failed=[("twin", 2)])
    report, _ = gather(tmp_path)
    value = {(r["system"], r["snr"]): r for r in report["quality"]}
    assert value["twin", None]["clips"] == 2
    assert value["twin", None]["pesq_wb"] == pytest.approx(1.84)
    assert {snr for _, snr in value} == {None, 0}  # of the one clip at 15 dB no mean is left
    failed = report["provenance"]["sets"]["tiny"]["failed"]
    assert [f["clip"] for f in failed] == ["three_snr15_fileid_2"]
    assert {r["clips"] for r in report["quality"] if r["snr"] is None} == {2}  # of all systems
    assert value["noisy", None]["pesq_wb"] == pytest.approx(1.25)
    assert {r["clips"] for r in report["spread"]} == {2}
    assert main(["--build", str(tmp_path)]) == 3
    assert ("1 clips of tiny could not be scored for every system and are in no mean: "
            "twin three_snr15_fileid_2: silent output <b>.") in capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text()
    assert "silent output &lt;b&gt;" in page  # named, and escaped


def test_a_system_without_any_clip_takes_none_from_the_others(tmp_path):
    make_scores(tmp_path, failed=[("twin", k) for k in range(3)])
    assert main(["--build", str(tmp_path)]) == 3
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    clips = {r["system"]: r["clips"] for r in report["quality"] if r["snr"] is None}
    assert clips == dict.fromkeys(FIGURES, 3) | {"twin": 0}


def test_page_stands_alone(build, capsys):
    main(["--build", str(build)])
    text = (build / "report" / "index.html").read_text()
    page = Page(text)
    assert not page.open
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not re.search(r"https?://", text)
    assert page.tags.count("audio") == 11  # noisy and ours in front, 3 clips of 3 signals
    assert page.tags.count("img") == 12  # their spectrograms, and the cost by stage
    assert page.ids.count("clip-one_snr0_fileid_0") == 1 and "#clip-one_snr0_fileid_0" in page.links
    assert len(text) < 8e6
    for words in ("prefers-color-scheme: dark", "width=device-width", "gru1 acc", "1,200,000"):
        assert words in text
    out = capsys.readouterr().out
    assert "PESQ-WB" in out and out.strip().endswith("index.html")


def test_ladder_is_reported_and_can_be_heard(build):
    """Steps in their order with their words; one clip after each, and the clean one."""
    measures = {"pesq_wb": 1.9, "stoi": 0.8, "estoi": 0.7, "si_sdr": 9.0}
    rows = [{"step": "noisy", "title": "nothing done", **measures},
            {"step": "comb", "title": "true <values>", **measures}]
    (build / "studies").mkdir()
    (build / "studies" / "ladder-tiny.json").write_text(
        json.dumps({"testset": "tiny", "rows": rows}))
    out = build / "ladder" / "out" / "comb" / "tiny"
    out.mkdir(parents=True)
    sf.write(out / "three_snr15_fileid_2.wav", np.zeros(RATE), RATE)
    assert main(["--build", str(build)]) == 0
    report = json.loads((build / "report" / "report.json").read_text())
    assert [(row["step"], row["testset"]) for row in report["ladder"]] == [
        ("noisy", "tiny"), ("comb", "tiny")]
    assert set(report["ladder"][0]) == {"step", "title", "testset", *measures}
    page = (build / "report" / "index.html").read_text()
    Page(page)
    section = page[page.index('<section id="ladder">'):page.index('<section id="conformance">')]
    assert section.count("<audio") == 3 and "true &lt;values&gt;" in section
    assert "| tiny | comb | 1.900 |" in (build / "report" / "report.md").read_text()


def test_missing_parts_are_said(tmp_path, capsys):
    make_scores(tmp_path, systems=["noisy"])
    assert main(["--build", str(tmp_path)]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    out = capsys.readouterr().out
    for words in ("No target has run yet", "No scores of float", "No instruction counts"):
        assert words in page and words in out
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["conformance"] == report["complexity"] == report["footprint"] == []


def test_nothing_to_report(tmp_path, capsys):
    assert main(["--build", str(tmp_path)]) == 1
    assert "make target=arm64" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_same_input_same_bytes(build):
    main(["--build", str(build)])
    first = {p.name: p.read_bytes() for p in (build / "report").iterdir()}
    main(["--build", str(build)])
    assert first == {p.name: p.read_bytes() for p in (build / "report").iterdir()}


def test_margins_are_found_anywhere():
    plan = {"stft": {"margin_bits": 2.5}, "layers": [{"name": "conv1", "acc_margin_bits": 4}]}
    assert sorted(margins(plan)) == [["conv1 acc", 4], ["stft", 2.5]]


def test_report_lists_the_smallest_margin_of_every_stage(tmp_path):
    """Of a real plan: all stages that accumulate, the network among them, smallest first."""
    from codegen.plan import canonical, plan

    (tmp_path / "host" / "gen").mkdir(parents=True)
    (tmp_path / "host" / "gen" / "plan.json").write_bytes(canonical(plan("tiny")[0]))
    rows = plan_margins(tmp_path, ["host"])["host"]
    stages = {"dcblock", "stft", "erb", "pitch", "comb", "features", "gains", "postfilter", "decay",
              "highpass", "attenuation", "kernels", "dnn"}  # fmt: skip
    assert sorted(what.split()[0] for what, _ in rows) == sorted(stages)
    bits = [bits for _, bits in rows]
    assert bits == sorted(bits) and bits[0] >= 0  # 0: a value that is its limit fits


def test_matrix_and_costs_of_integers_are_reported(build):
    """Both tables in words, Markdown and page; what differs is counted."""
    (build / "check").mkdir()
    row = {"target": "host", "cpu": "native", "compiler": "gcc 12", "values": 1000, "first": ""}
    rows = [row | {"build": "gcc-O2", "mismatches": 0},
            row | {"build": "clang-O2", "mismatches": 7}]
    matrix = {"model": "small", "provenance": {"commit": "abc", "plan": "123"}, "rows": rows}
    (build / "check" / "matrix.json").write_text(json.dumps(matrix))
    cost = {"testset": "tiny", "clips": 3, "limits": {"pesq_wb": 0.02, "stoi": 0.002},
            "worst": {"pesq_wb": {"clip": "a", "cost": 0.05}, "stoi": {"clip": "b", "cost": 0.01}},
            "rows": [{"system": "twin", "step": "all", "snr": None, "clips": 3, "pesq_wb": 2.5,
                      "cost_pesq_wb": 0.0123, "stoi": 0.9, "cost_stoi": -0.0004}]}
    (build / "score" / "cost-tiny.json").write_text(json.dumps(cost))
    assert main(["--build", str(build)]) == 0
    page = (build / "report" / "index.html").read_text()
    text = (build / "report" / "report.md").read_text()
    Page(page)
    assert "| host native | 0 | 7 |" in text and "7 of 2,000 recorded values differ" in page
    assert "| all | all | 3 | 2.500 | +0.0123 | 0.9000 | -0.00040 |" in text and "+0.0123" in page


def test_the_first_screen_says_what_ran_and_what_came_out(build):
    """In this order: the verdict, the facts, players of the median clip, the cost of a hop."""
    assert main(["--build", str(build)]) == 0
    page = (build / "report" / "index.html").read_text()
    verdict = page.index("raises PESQ-WB from 1.30 to 1.89")
    assert "all 480,000 samples equal the integer model" in page[verdict:verdict + 400]
    heard = page.index('<section id="front">')
    assert verdict < page.index("<dt>commit</dt>") < heard < page.index('id="quality"')
    assert heard < page.index("<b>noisy</b>") < page.index("<b>ours: ") < page.index('id="cost"')
    assert "PESQ-WB, mean of the set</text>" in page and "logarithmic</text>" in page
    assert "1,036 KB" in page  # of flash: weights, code and tables


def test_equal_outputs_stand_once(build):
    """Systems of the same samples are one row and one bar; a target is named once."""
    path = build / "score" / "tiny.csv"
    rows = list(csv.DictReader(path.open()))
    for row in rows:
        row["sha256"] = row["clip"] if row["system"] not in ("noisy", "float") else row["system"]
    rows += [row | {"system": "arm64-cortex-a76"} for row in rows
             if row["system"] == "arm64-cortex-a53"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    report, scores = gather(build)
    shown = [row["system"] for row in merged(report, scores)["quality"] if row["snr"] is None]
    assert shown == ["noisy", "float", "twin = host = arm64"]
    assert len([row for row in report["quality"] if row["snr"] is None]) == 6


class Policy(HTMLParser):
    """The Content-Security-Policy of a page, and its scripts."""

    def __init__(self, text):
        super().__init__()
        self.policy, self.scripts, self.tag = "", [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"]

    def handle_data(self, data):
        if self.tag == "script":
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self.tag = ""


def test_names_of_clips_are_text_whatever_they_hold(build):
    """No tag, no cell, no line of a name gets into the page or the Markdown; one script may run."""
    name = "<script>alert(1)</script>|x\" onload='y"
    quoted = name.replace('"', '""')
    text = (build / "score" / "tiny.csv").read_text().replace("one_snr0_fileid_0", f'"{quoted}"')
    (build / "score" / "tiny.csv").write_text(text.replace(",noise0,", ",<img src=x>|,"))
    assert main(["--build", str(build)]) == 0
    page = (build / "report" / "index.html").read_text()
    found = Policy(page)
    assert not Page(page).open and "<script>alert" not in page and "<img src=x" not in page
    assert len(found.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(found.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in found.policy and "default-src 'none'" in found.policy
    assert "unsafe-inline" not in found.policy.split("script-src")[1]
    markdown = (build / "report" / "report.md").read_text()
    assert "<script" not in markdown and "<img" not in markdown
    assert r"&lt;script>alert(1)&lt;/script>\|x" in markdown
