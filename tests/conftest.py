"""Shared fixtures: a stand-in for the generated library, and targets built from it.

The stand-in has the API, the delay and the shape of the real one but passes sound through, so
that what the command does with files can be told from what the suppressor does with sound.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from targets import build, target
from targets.target import ROOT


def lend_compilers() -> None:
    """Where clang is alone, it answers for the compilers that tests call by name."""
    pairs = {"gcc": "clang", "g++": "clang++"}
    absent = {name: shutil.which(other) for name, other in pairs.items() if not shutil.which(name)}
    if any(absent.values()):
        folder = Path(tempfile.mkdtemp(prefix="compilers"))
        for name, other in absent.items():
            if other:
                (folder / name).symlink_to(other)
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def heed_signals() -> None:
    """Under nohup or in the background signals are ignored, and so by every program of a test."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


lend_compilers()
heed_signals()
pytest_plugins = ["shipped", "command_line", "browsers", "recordings"]


def changed() -> dict[str, bytes]:
    """Files that differ from the last commit or that git does not know, and what they hold."""
    words = ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True)
    paths = (ROOT / name.decode() for name in done.stdout.split(b"\0") if name)
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.changed = changed()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The suite leaves the tree as it found it: a test that writes pages or results is a fault."""
    before, after = session.config.changed, changed()
    if before != after and not hasattr(session.config, "workerinput"):
        names = sorted(dict(set(before.items()) ^ set(after.items())))
        print(f"\nThe tests, or someone else meanwhile, have changed {', '.join(names)}")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


HEADER = """\
#ifndef PERCEPNET_H
#define PERCEPNET_H
#include <stddef.h>
#include <stdint.h>
#define PERCEPNET_RATE 48000
#define PERCEPNET_HOP 480
#define PERCEPNET_BLOCK 4
#define PERCEPNET_STATE_BYTES 4096
#define PERCEPNET_STATE_ALIGN 16
#define PERCEPNET_HAS_POSTFILTER 1
#define PERCEPNET_OK 0
#define PERCEPNET_ERR_RANGE (-2)
#pragma GCC visibility push(default)
typedef struct percepnet percepnet;
size_t percepnet_state_bytes(void);
percepnet *percepnet_init(void *mem, size_t bytes);
int percepnet_reset(percepnet *st);
int percepnet_process(percepnet *st, int16_t *out, const int16_t *in);
int percepnet_process_block(percepnet *st, int16_t *out, const int16_t *in, int hops,
                            int16_t *voice_q15);
int percepnet_delay_samples(void);
int percepnet_set_postfilter(percepnet *st, int on);
int percepnet_set_decay_floor(percepnet *st, int on);
int percepnet_set_highpass(percepnet *st, int on);
int percepnet_set_postfilter_beta_permille(percepnet *st, int value);
int percepnet_set_attenuation_limit_db(percepnet *st, int value);
const char *percepnet_version(void);
const char *percepnet_model_id(void);
#pragma GCC visibility pop
#endif
"""

SUPPRESSOR = """\
#include <string.h>
#include "percepnet.h"
#include "features.h"
struct percepnet { int16_t line[3][480]; int32_t level; int postfilter, limit; };
size_t percepnet_state_bytes(void) { return PERCEPNET_STATE_BYTES; }
percepnet *percepnet_init(void *mem, size_t bytes)
{
    if (!mem || bytes < PERCEPNET_STATE_BYTES || (uintptr_t)mem % 16)
        return NULL;
    memset(mem, 0, PERCEPNET_STATE_BYTES);
    return mem;
}
int percepnet_reset(percepnet *st) { memset(st, 0, sizeof st->line); return 0; }
int percepnet_process(percepnet *st, int16_t *out, const int16_t *in)
{
    int16_t hop[480];
    memcpy(hop, in, sizeof hop);
    memcpy(out, st->line[0], sizeof hop);
    memmove(st->line[0], st->line[1], 2 * sizeof hop);
    memcpy(st->line[2], hop, sizeof hop);
    st->level = percepnet_band_level(hop);
    if (st->postfilter)
        percepnet_halve(out);
    for (int i = 0; i < 480; i++)
        out[i] = (int16_t)(out[i] ^ st->limit);
    return out[0] & 0x7FFF;
}
int percepnet_process_block(percepnet *st, int16_t *out, const int16_t *in, int hops,
                            int16_t *voice_q15)
{
    for (int i = 0; i < hops; i++)
        percepnet_process(st, out + 480 * i, in + 480 * i);
    (void)voice_q15;
    return 0;
}
int percepnet_delay_samples(void) { return 1440; }
int percepnet_set_postfilter(percepnet *st, int on) { st->postfilter = on; return 0; }
int percepnet_set_decay_floor(percepnet *st, int on) { (void)st; (void)on; return 0; }
int percepnet_set_highpass(percepnet *st, int on) { (void)st; (void)on; return 0; }
int percepnet_set_postfilter_beta_permille(percepnet *st, int value)
{
    (void)st;
    return value < 1 || value > 1000 ? PERCEPNET_ERR_RANGE : 0;
}
int percepnet_set_attenuation_limit_db(percepnet *st, int value)
{
    if (value < 0 || value > 100)
        return PERCEPNET_ERR_RANGE;
    st->limit = value;
    return 0;
}
const char *percepnet_version(void) { return "0.0.0"; }
const char *percepnet_model_id(void) { return "stand-in"; }
"""

# Named like a header of the C library, as in the real one: neither may hide the other.
FEATURES_HEADER = """\
#include <stdint.h>
int32_t percepnet_band_level(const int16_t *hop);
void percepnet_halve(int16_t *hop);
"""

# Work that depends on the data, so that the mean and the maximum over frames differ.
ERB = """\
#include "features.h"
static const int32_t weights[4] = {1, 2, 3, 4};
static int32_t loud(int32_t x) { return x > 1000 ? x / 3 : 0; }
int32_t percepnet_band_level(const int16_t *hop)
{
    int32_t sum = 0;
    for (int i = 0; i < 480; i++)
        sum += loud(hop[i]) + weights[i % 4];
    return sum;
}
"""

POSTFILTER = """\
#include "features.h"
void percepnet_halve(int16_t *hop)
{
    for (int i = 0; i < 480; i++)
        hop[i] = (int16_t)(hop[i] / 2);
}
"""

TAPS_HEADER = """\
typedef struct { const char *name; unsigned offset, count, bytes; } percepnet_tap;
extern const percepnet_tap percepnet_taps[];
extern const int percepnet_n_taps;
extern const unsigned percepnet_scratch_bytes;
"""

TAPS = """\
#include "taps.h"
const percepnet_tap percepnet_taps[] = {{"line", 1920, 480, 2}, {"level", 2880, 1, 4}};
const int percepnet_n_taps = 2;
const unsigned percepnet_scratch_bytes = 1024;
"""

PLAN = """\
{"hash": "0123456789abcdef0123", "model": {"name": "stand-in"}, "stages": ["erb", "postfilter"],
 "taps": [{"name": "line", "dtype": "int16", "count": 480, "stage": "stft", "format": "Q15"},
          {"name": "level", "dtype": "int32", "count": 1, "stage": "erb", "format": "Q0"}]}
"""

STAND_IN = {
    "percepnet.h": HEADER,
    "suppressor.c": SUPPRESSOR,
    "features.h": FEATURES_HEADER,
    "erb.c": ERB,
    "postfilter.c": POSTFILTER,
    "taps.h": TAPS_HEADER,
    "taps.c": TAPS,
    "plan.json": PLAN,
}


def write_stand_in(root: Path, target_name: str, **changes: str) -> Path:
    """`build/<target>/gen` under `root` from STAND_IN; `changes` replace files, `_` for `.`."""
    gen = root / "build" / target_name / "gen"
    gen.mkdir(parents=True, exist_ok=True)
    for name, text in STAND_IN.items():
        (gen / name).write_text(changes.get(name.replace(".", "_"), text))
    return gen


def write_set(root: Path, name: str = "tiny", seconds: float = 0.25) -> Path:
    """`build/sets/<name>` with two mono clips of seeded noise, one half as loud; its folder."""
    rng = np.random.default_rng(1)
    noisy = root / "build" / "sets" / name / "noisy"
    noisy.mkdir(parents=True)
    for clip, gain in (("a", 1.0), ("b", 0.5)):
        pcm = (gain * rng.integers(-8000, 8000, int(48000 * seconds))).astype(np.int16)
        soundfile.write(noisy / f"{clip}.wav", pcm, 48000, subtype="PCM_16")
    return noisy.parent


PROGRAMS = {
    "host": ("gcc",),
    "arm64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "armv7": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
    "wasm": ("clang", "wasm-ld", "node"),
    **dict.fromkeys(["m7", "m55"], ("arm-none-eabi-gcc", "qemu-system-arm")),
}


def needs(target_name: str) -> None:
    """Skips the test where the target's compiler or emulator is missing."""
    for program in PROGRAMS[target_name]:
        if not shutil.which(program):
            pytest.skip(f"{program} not found; `make setup target={target_name}` installs it")


def needs_arm64() -> None:
    needs("arm64")


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `build/host` built from the stand-in."""
    root = tmp_path_factory.mktemp("host")
    write_stand_in(root, "host")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        build.build(target.load("host"))
    return root


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The real generated library of the default model, loaded with ctypes."""
    from generated import Library

    return Library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def threads():
    """A cluster of threads in this process."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False,
                      dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.fixture
def quick_scores(threads, monkeypatch):
    """Scoring with no workers to start and without DNSMOS, which takes as long as all the rest."""
    import dask

    monkeypatch.setattr("eval.metrics.available", lambda: False)
    monkeypatch.setattr("eval.score.available", lambda: False)
    with dask.config.set({"scheduler-address": threads}):
        yield
