"""Real time: what a program prints becomes rows; figures here are made up, none is a time."""

import pytest

from targets import realtime, target

PLAN = '{"hash": "0123456789abcdef", "model": {"name": "toy"}}'
PROGRAM = "#!/bin/sh\necho vnni 1 120000\necho vnni 4 90000\n"


class Peer:
    def us(self) -> float:
        return 60.0


@pytest.fixture
def host(tmp_path, monkeypatch):
    """`build/host` whose program prints what it is told."""
    monkeypatch.chdir(tmp_path)
    goal = target.load("host")
    (goal.folder / "gen").mkdir(parents=True)
    (goal.folder / "gen" / "plan.json").write_text(PLAN)
    for name in ("percepnet", "realtime"):
        (goal.folder / name).write_text(PROGRAM)
        (goal.folder / name).chmod(0o755)
    return goal


def test_rows_of_frames_blocks_and_the_peer(host):
    rows = realtime.measure(host, "native", Peer(), 3)
    assert [(r["kernels"], r["call"], r["us_median"]) for r in rows] == [
        ("vnni", "frame", 120.0), ("vnni", "block4", 90.0), ("pyrnnoise", "frame", 60.0),
    ]  # fmt: skip
    assert [r["percent_of_core"] for r in rows] == [1.2, 0.9, 0.6]
    assert [r["ratio"] for r in rows] == [2.0, 1.5, 1.0]


def test_a_missing_peer_is_named_and_leaves_no_ratio(host, monkeypatch, capsys):
    monkeypatch.setattr(realtime, "peer", lambda: None)
    realtime.realtime(host, 1)
    printed = capsys.readouterr().out
    assert "vnni, block4: 0.9 % of real time" in printed
    assert "pyrnnoise: not installed" in printed and "times pyrnnoise" not in printed
    assert [r["ratio"] for r in realtime.read_record(host)["realtime"]] == [None, None]


def test_a_program_that_fails_stops(host):
    (host.folder / "realtime").write_text("#!/bin/sh\necho no memory >&2; exit 2\n")
    with pytest.raises(SystemExit, match="realtime: exit 2: no memory"):
        realtime.realtime(host, 1)


def test_nothing_is_timed_under_an_emulator(capsys):
    realtime.realtime(target.load("arm64"), 1)
    assert capsys.readouterr().out == ""


def test_rnnoise_is_timed_where_it_is_installed():
    pytest.importorskip("pyrnnoise")
    assert realtime.RNNoise().us() > 0
