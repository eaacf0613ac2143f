"""A stage more in a copy of the repository: five files, and it is made, checked and counted."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs

ROOT = Path(__file__).parent.parent
NEW = {
    "codegen/stages/toy.py": '''
"""Mean of the band gains of this frame and the one before."""

import numpy as np

from codegen.declare import WORK, Field, Signal, Stage, Struct
from codegen.fixed import rshift_round
from reference.params import N_BANDS

STAGE = Stage(
    signals=(Signal("toy_q15", "int32", ("N_BANDS",), "Q15", WORK),),
    past=(Field("toy", Struct("toy_state", (Field("before_q15", "int32", ("N_BANDS",)),))),),
)


def constants():
    return {"TOY_SHIFT": 1}


def bounds():
    return [("toy sum of two gains", 2 * 2**16, 2**31 - 1)]


class Toy:
    def __init__(self):
        self.before_q15 = np.zeros(N_BANDS, np.int64)

    def run(self, gain_q15):
        total, self.before_q15 = self.before_q15 + gain_q15, gain_q15
        return rshift_round(total, 1)
''',
    "codegen/templates/toy.h.j2": """
#ifndef PERCEPNET_TOY_H
#define PERCEPNET_TOY_H
#include <stdint.h>
#include "params.h"
typedef struct {
{% set struct = "toy_state" %}
{% include "fields.j2" %}
} percepnet_toy_state;
void percepnet_toy_run(percepnet_toy_state *st, int32_t *out_q15, const int32_t *gain_q15);
#endif
""",
    "codegen/templates/toy.c.j2": """
#include "toy.h"
#include "fixed.h"
void percepnet_toy_run(percepnet_toy_state *st, int32_t *out_q15, const int32_t *gain_q15)
{
    for (int b = 0; b < PERCEPNET_N_BANDS; b++) {
        out_q15[b] = (int32_t)rshift_round(st->before_q15[b] + gain_q15[b], PERCEPNET_TOY_SHIFT);
        st->before_q15[b] = gain_q15[b];
    }
}
""",
}
CHANGED = {
    "codegen/suppressor.py": [
        ("    stft,\n)", "    stft,\n    toy,\n)"),
        ("decay, gains,", "decay, toy, gains,"),
        ("self.highpass = ", "self.toy = toy.Toy()\n        self.highpass = "),
        ("        z = gains.", "        toy_q15 = self.toy.run(gain_q15)\n        z = gains."),
        ("y_energy, gain_q15)\n        enhanced", "y_energy, toy_q15)\n        enhanced"),
        ('            "z": z,', '            "toy_q15": toy_q15,\n            "z": z,'),
    ],
    "codegen/templates/suppressor.c.j2": [
        (
            "    percepnet_gains_mix(",
            "    percepnet_toy_run(&past->toy, w->toy_q15, w->band_gain_q15);\n"
            "    percepnet_gains_mix(",
        ),
        ("w->band_gain_q15);\n    percepnet_gains_app", "w->toy_q15);\n    percepnet_gains_app"),
    ],
}
CHECK = """
import json, sys
import numpy as np
from targets import build, count, diff, matrix
from targets.target import load, read_plan

target = load(sys.argv[1])
build.build(target)
clip = matrix.write_clip()
found = {"difference": diff.compare("twin", f"{target.name}:{target.cpus[0]}", clip)}
taps = [tap for tap in read_plan(target)["taps"] if tap["stage"] == "toy"]
found["taps"] = [tap["name"] for tap in taps]
if target.counted:
    sounds = {"speech": count.inputs()["speech"][:24000]}
    rows = count.complexity_rows(target, target.cpus[0], "frame", count.count_clips(
        target, target.cpus[0], "frame", sounds))
    found["counts"] = {row["stage"]: row["instructions_mean"] for row in rows}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository without what is of no use here, and with the toy stage."""
    assert len(NEW) + len(CHANGED) <= 5
    root = tmp_path_factory.mktemp("copy")
    for folder in ("codegen", "reference", "targets"):
        ignore = shutil.ignore_patterns("__pycache__", "small.*", "full.*", "package", "python")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignore)
    for name, text in NEW.items():
        (root / name).write_text(text.lstrip())
    for name, edits in CHANGED.items():
        text = (root / name).read_text()
        for old, new in edits:
            assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        (root / name).write_text(text)
    return root


def call(copy: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=copy, check=False, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["host", "arm64"])
def test_a_toy_stage_is_generated_checked_and_counted(copy, name):
    """Every signal of C equals the twin's, its own too; under QEMU it has a row of its own."""
    needs(name)
    call(copy, "-m", "codegen.render", "--model", "tiny", "--out", f"build/{name}/gen")
    found = json.loads(call(copy, "-c", CHECK, name).splitlines()[-1])
    assert found["difference"] == "" and found["taps"] == ["toy_q15"]
    if name == "arm64":
        assert 0 < found["counts"]["toy"] < 1000
    plan = json.loads((copy / f"build/{name}/gen/plan.json").read_text())
    stages = plan["stages"]
    assert stages.index("decay") < stages.index("toy") < stages.index("gains")
    assert any(bound["name"] == "toy sum of two gains" for bound in plan["bounds"])


def test_a_signal_that_no_stage_declares_stops_generation(copy):
    text = (copy / "codegen/stages/toy.py").read_text()
    spoilt = text.replace('Signal("toy_q15"', 'Signal("toys_q15"')
    (copy / "codegen/stages/toy.py").write_text(spoilt)
    done = subprocess.run([sys.executable, "-m", "codegen.render", "--model", "tiny", "--out", "x"],
                          cwd=copy, check=False, capture_output=True, text=True)  # fmt: skip
    (copy / "codegen/stages/toy.py").write_text(text)
    assert done.returncode == 2 and "signal toy_q15 is only made by the pipeline" in done.stderr
