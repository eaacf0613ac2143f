"""Real time: what a program prints becomes rows; figures here are made up, none is a time."""

import subprocess

import pytest

from targets import realtime, target
from targets.target import HARNESS

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


def test_figures_have_the_digits_that_a_time_has(host):
    (row, _) = realtime.rows(host, "native", {("vnni", "frame"): [100.06], realtime.PEER: [30.0]})
    assert (row["us_median"], row["us_min"]) == (100.1, 100.1)
    assert (row["percent_of_core"], row["ratio"]) == (1.0, 3.34)


STAND_IN = """
#include <stddef.h>
#include <stdint.h>
#include <time.h>
enum { PERCEPNET_HOP = 480, PERCEPNET_BLOCK = 4, PERCEPNET_OK = 0 };
typedef struct { const char *isa; } kernels;
typedef struct { const kernels *kernels; long calls; } percepnet;
static const kernels plain = {"plain"}, wide = {"wide"}, foreign = {"foreign"};
static const kernels *const percepnet_kernel_sets[] = {&plain, &wide, &foreign, NULL};
static int percepnet_kernels_run_here(const kernels *k) { return k != &foreign; }
static size_t percepnet_state_bytes(void) { return sizeof(percepnet); }
static percepnet *percepnet_init(void *mem, size_t bytes) { (void)bytes; return mem; }
static int percepnet_reset(percepnet *st) { st->calls = 0; return 0; }
/* .1 s a hop with plain kernels, .025 with wide ones, so seconds pass; the first call takes more */
static int64_t ticks;
static int percepnet_process_block(percepnet *st, int16_t *out, const int16_t *in, int hops,
                                   int16_t *voice)
{
    (void)out, (void)in, (void)voice;
    const int64_t hop = st->kernels == &plain ? 100000000 : 25000000;
    ticks += hops * (st->calls++ ? hop : INT64_C(9123456789));
    return PERCEPNET_OK;
}
static int fake_clock(clockid_t id, struct timespec *t)
{
    t->tv_sec = id == CLOCK_PROCESS_CPUTIME_ID ? ticks / 1000000000 : 7;
    t->tv_nsec = ticks % 1000000000;
    return 0;
}
#define clock_gettime fake_clock
"""


def test_the_program_prints_the_time_of_one_hop(tmp_path):
    """By a clock that the library drives: of a hop, however many a call takes, once warm."""
    (tmp_path / "suppressor.h").write_text(STAND_IN)
    source = HARNESS / "realtime.c"
    subprocess.run(["gcc", "-std=c99", "-O1", "-iquote", tmp_path, source, "-o", tmp_path / "time"],
                   check=True)  # fmt: skip
    lines = subprocess.check_output([tmp_path / "time"], text=True).split("\n")[:-1]
    assert sorted(set(lines)) == ["plain 1 100000000", "plain 4 100000000",
                                  "wide 1 25000000", "wide 4 25000000"]
    assert len(lines) % 4 == 0 and all(lines.count(line) == len(lines) // 4 for line in lines)


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
