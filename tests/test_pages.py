"""Every generated part of every page is what its source says today, and of the present weights."""

import json
import re
import subprocess

import pytest

from codegen.drift import GROWTH, RMS_LIMIT
from eval import baseline, cost
from pages import cards, integers, processors, publish, scores, studies, weaknesses
from reference.dnn import weights_hash
from reference.markdown import fill
from studies.decisions import DECISIONS, MEASURED

PARTS = [(page, name, part) for page, parts in publish.pages().items()
         for name, part in parts.items()]  # fmt: skip


@pytest.mark.parametrize(("page", "name", "part"), PARTS, ids=[f"{p}-{n}" for p, n, _ in PARTS])
def test_part_is_current(page, name, part):
    text = (publish.ROOT / page).read_text()
    up = "../" * page.count("/")
    assert fill(text, name, part().replace("](/", f"]({up}")) == text, "make publish"


def test_every_marked_part_is_generated():
    """No block between marks is left out, so none goes stale."""
    files = subprocess.check_output(["git", "ls-files", "*.md"], cwd=publish.ROOT, text=True)
    texts = {page: (publish.ROOT / page).read_text() for page in files.split()}
    marked = {(page, name) for page, text in texts.items()
              for name in re.findall(r"^<!-- begin (\w+) -->", text, re.M)}
    assert marked == {(page, name) for page, name, _ in PARTS}


def test_links_of_pages_written_here_lead_to_files():
    for page in ("README.md", *(p for p in publish.pages() if p.startswith("reference/"))):
        folder = (publish.ROOT / page).parent
        links = re.findall(r"\]\(([^)#:]+)\)", (publish.ROOT / page).read_text())
        assert links and not [link for link in links if not (folder / link).exists()], page


def test_scores_are_of_the_weights_that_ship():
    """Of every model on the embedded set; its card names those of any other set."""
    for model in scores.model_names():
        stored = baseline.read("scores", f"embedded/{model}")
        assert stored and stored["weights"] == weights_hash(model), f"make baseline model={model}"


def test_weaknesses_are_of_the_weights_that_ship():
    stored = baseline.read("studies", f"weaknesses-{scores.DEFAULT}")
    assert stored["weights"] == weights_hash(scores.DEFAULT), "make weaknesses baseline"


def test_stored_costs_are_within_the_limits():
    """Of the default size on the embedded set and on 60 clips, and of whatever else is stored."""
    costs = integers.read("cost")
    assert {("small", 16), ("small", 60)} <= {(c["model"], c["clips"]) for c in costs}
    for result in costs:
        assert result["limits"] == cost.LIMITS and not cost.over_limit(result)


def test_stored_drifts_are_hours_without_drift():
    for drift in integers.read("drift"):
        rms = [part["rms"] for part in drift["parts"]]
        hour = (sum(r * r for r in rms) / len(rms)) ** 0.5
        assert drift["minutes"] >= 60 and hour <= RMS_LIMIT and rms[-1] <= GROWTH * hour


def test_stored_builds_equal_the_twin():
    for matrix in integers.read("matrix"):
        assert not any(row["mismatches"] for row in matrix["rows"]), matrix["model"]


def test_stored_proofs_leave_nothing_open():
    for proof in integers.read("proof"):
        assert all(row["proved"] for row in proof["rows"]), proof["model"]


# ---- with results of our own ----


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty folder of results; `put(kind, name, content)` puts one there."""
    for module in (baseline, scores):
        monkeypatch.setattr(module, "HERE", tmp_path)

    def put(kind: str, name: str, content: dict) -> None:
        path = tmp_path / kind / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    return put


def row(system: str, snr: int | None, pesq: float | None, noise: str | None = None) -> dict:
    return {"system": system, "snr": snr, "noise": noise, "clips": 2, "pesq_wb": pesq}


def test_scores_stand_in_order_and_old_weights_are_named(store):
    store("scores", "toy/noisy", {"rows": [row("noisy", None, 1.5), row("noisy", 5, 2.0),
                                           row("noisy", None, 2.0, "rain")]})  # fmt: skip
    store("scores", "toy/pyrnnoise", {"version": "1", "rows": [row("pyrnnoise", None, None)]})
    store("scores", "toy/small", {"testset": "toy", "weights": "0" * 64, "rows": [
        row("float", None, 1.7), row("twin", None, 1.8), row("twin", None, 1.9, "rain")]})
    text = cards.scores("small")
    lines = [line for line in text.splitlines() if line.startswith("| toy")]
    assert [line.split(" | ")[3] for line in lines[:4]] == ["noisy", "float", "twin", "pyrnnoise"]
    assert "| toy | all | 2 | twin | 1.800 | – | – | – | – |" in lines
    assert "| toy | 5 dB | 2 | noisy | 2.000 | – | – | – | – |" in lines
    assert "| toy | rain | 2 | 2.000 | – | 1.900 | – |" in lines
    assert "with the weights before these: toy." in text
    assert "Not scored yet" in cards.scores("tiny") and "Not measured" in cards.parts("tiny")


def test_costs_of_models_stand_beside_each_other_from_small_to_large(store):
    def cost_of(model: str, lost: float) -> dict:
        rows = [{"system": system, "step": step, "snr": snr, "pesq_wb": 2.0, "stoi": 0.8,
                 "cost_pesq_wb": lost, "cost_stoi": lost / 10}
                for snr in (None, 5) for system, step in cost.STEPS.items()]  # fmt: skip
        worst = {m: {"clip": "anna_fan_snr5_tl-26", "cost": 2 * lost} for m in cost.LIMITS}
        return {"model": model, "weights": "0" * 64, "testset": "toy", "clips": 2,
                "limits": cost.LIMITS, "rows": rows, "worst": worst}  # fmt: skip

    for model in ("small", "tiny", "gone"):
        store("integers", f"cost-{model}-toy", cost_of(model, 0.0123))
    assert [c["model"] for c in integers.read("cost")] == ["tiny", "small"], "and no model twice"
    part = integers.cost()
    assert "`tiny` 000000000000, which are not the present ones" in part
    assert "No run stored: `full`." in part
    assert "| `small` | all: the integer twin | 2.0000 | +0.0123 | +0.0123 |" in part
    assert "| toy | `tiny` | STOI | +0.0246 | anna_fan |" in part
    store("integers", "cost-tiny-other", cost_of("tiny", 0.01) | {
        "testset": "other", "weights": weights_hash("tiny")})
    first, second = integers.total().split("\n\n")[:2]
    assert first.startswith("Set `other`. Weights: `tiny` ") and "not the present" not in first
    assert second.startswith("Set `toy`. Weights: `tiny` 000000000000, which are not the present")


def test_every_decision_marks_one_of_its_steps_and_says_why(store):
    measures = {"pesq_wb": 2.0, "stoi": 0.9, "estoi": 0.8, "si_sdr": 10.0}
    rows = [{"question": d.question, "step": step, **measures,
             "difference": {m: [0.1, 0.2] for m in MEASURED} if step != d.chosen else None}
            for d in DECISIONS for step in d.steps]  # fmt: skip
    store("studies", "decisions-embedded", {"testset": "toy", "clips": 2, "versions": "v 1",
                                            "noisy": measures, "rows": rows})  # fmt: skip
    text = studies.decisions()
    assert text.count("**chosen**") == len(DECISIONS)
    for decision in DECISIONS:
        assert decision.chosen in decision.steps and decision.reason in text
    changes = "+0.100 ± 0.200 | +0.1000 ± 0.2000 | +0.10 ± 0.20 |"
    assert text.count(changes) == len(rows) - len(DECISIONS)
    assert "Better than" not in text
    late = DECISIONS[0]
    kept = baseline.read("studies", "decisions-embedded")
    for one in kept["rows"]:
        if (one["question"], one["step"]) == (late.question, "lookahead-3"):
            one["difference"]["stoi"] = [0.3, 0.2]
    store("studies", "decisions-embedded", kept)
    assert "beyond the interval: 3 frames, by STOI.\n" in studies.decisions()


def test_trials_and_cases_of_lost_speech_stand_set_by_set(store):
    row = {"trial": "level", "measure": "PESQ-WB", "mean": 1.5, "worst": 1.25}
    store("studies", "trials-tiny-toy", {"testset": "toy", "weights": "0", "rows": [row]})
    store("studies", "cases-tiny-toy", {"testset": "toy", "weights": "0", "rows": [
        row | {"trial": "whisper", "wanted": "mean ≤ 8", "rnnoise": [3, 4.25]}]})
    text = cards.trials("tiny")
    assert "before these: toy.\n" in text
    assert "| toy | level | PESQ-WB | 1.5 | 1.25 | – | – |" in text
    assert "| toy | whisper | PESQ-WB | 1.5 | 1.25 | mean ≤ 8 | 3, 4.25 |" in text


def test_a_case_without_settings_has_none(store):
    case = {"case": "speech", "title": "alone", "pesq_wb": 1.25, "si_sdr": 2, "speech_loss": 3}
    store("studies", "weaknesses-small", {"weights": "1" * 64, "rows": [
        case | {"system": "noisy"}, case | {"system": "twin", "pesq_wb": None}]})
    text = weaknesses.cases("small")
    link = "[before](/docs/audio/weak/speech.mp3)"
    assert f"| alone | 1.25 | – | 2.00 | 2.00 | 3.00 | {link} |" in text
    assert "weights before these" in text
    assert "| alone | 3.00 | – | – | 1.25 | – | – | – |" in weaknesses.settings()
    assert "`small-111111111111`" in weaknesses.settings()


def test_time_on_a_core_reaches_from_the_cache_to_memory(monkeypatch):
    """A frame of 1.7 MB is read from an L2 of 2 MB at best, one of 3 MB always from memory."""
    row = {"core": "X", "call": "frame", "percent_l2": [4.04, 5], "percent_dram": [6, 12.3]}
    for megabytes, least in ((1.7, "0.40–1.2 ms, 4.0–12 %"), (3, "0.60–1.2 ms, 6.0–12 %")):
        stored = {"rows": [row | {"resident_bytes": megabytes * 2**20}]}
        monkeypatch.setattr(processors, "read", lambda *_, stored=stored: stored)
        assert processors.time_on("X", "small") == least
    assert processors.time_on("Y", "small") is None


def test_a_model_that_is_not_counted_has_no_column(monkeypatch):
    """Nor does it stop `make publish`."""
    names = scores.model_names()
    monkeypatch.setattr(processors, "model_names", lambda: [*names, "mine"])
    assert "`small`" in processors.summary() and "mine" not in processors.summary()
    assert "mine" not in processors.estimates()
