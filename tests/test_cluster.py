"""Scoring on a cluster: a real scheduler, a killed worker, and the scores of a serial run."""

import csv
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from test_score import build  # noqa: F401  (fixture: a small set with four systems)

from eval import cluster
from eval.metrics import METRICS
from eval.score import main, score_pair

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def start(*command):
    """A dask program in the repository's folder; its log is read from stderr."""
    return subprocess.Popen([sys.executable, "-m", "distributed.cli." + command[0], *command[1:]],
                            cwd=ROOT, stderr=subprocess.PIPE, text=True,
                            env=os.environ | {"PYTHONPATH": ROOT})


def wait_for(process, pattern):
    """First match of `pattern` in the log; the rest of it is read away so that nothing blocks."""
    for line in process.stderr:
        if found := re.search(pattern, line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return found
    raise AssertionError(f"{process.args} ended without {pattern}")


@pytest.fixture
def scheduler():
    """(address, two worker processes) on loopback."""
    head = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    address = wait_for(head, r"Scheduler at:\s+(tcp://\S+)")[1]
    workers = [start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                     "--memory-limit", cluster.WORKER_MEMORY) for _ in range(2)]
    for worker in workers:
        wait_for(worker, "Registered to")
    yield address, workers
    for process in (*workers, head):
        process.kill()
        process.wait()


def test_a_worker_with_other_versions_is_refused(build, scheduler, monkeypatch):  # noqa: F811
    address, _ = scheduler
    monkeypatch.setattr("eval.score.VERSION", "of tomorrow")
    with pytest.raises(SystemExit, match="worker tcp://.* has metrics .* here is metrics of tomo"):
        main(["--set", str(build / "sets/tiny"), "--build", str(build), "--scheduler", address])
    assert not (build / "score" / "tiny.csv").exists()


def test_a_killed_worker_loses_nothing(build, scheduler, monkeypatch):  # noqa: F811
    """One of two workers is killed after the first score; every clip has the score of a serial run.
    """
    address, workers = scheduler
    real = cluster.spread

    def and_kill(*arguments):
        for number, found in enumerate(real(*arguments)):
            if arguments[3] == "scoring" and number == 0:
                workers[0].send_signal(signal.SIGKILL)
            yield found

    monkeypatch.setattr("eval.score.spread", and_kill)
    folder = build / "sets" / "tiny"
    assert main(["--set", str(folder), "--build", str(build), "--scheduler", address,
                 "--systems", "float"]) == 0
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    with open(build / "score" / "tiny.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        path = {"noisy": folder / "noisy",
                "float": build / "out/float/tiny"}[row["system"]] / f"{row['clip']}.wav"
        serial = score_pair((folder / "clean" / path.name, path, 48000))
        assert {m: row[m] for m in METRICS if m in serial} == {
            m: f"{serial[m]:.6f}" for m in METRICS if m in serial}


def test_more_jobs_than_are_under_way_at_once_are_all_done(threads):
    with cluster.connect(threads) as client:
        found = list(cluster.spread(client, hex, iter(range(50)), "jobs", 50))
    assert sorted(found) == [(n, hex(n)) for n in range(50)]
