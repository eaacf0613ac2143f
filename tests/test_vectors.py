"""targets/vectors.py: files that explain themselves, and equal the C library."""

import hashlib
import json

import numpy as np
import pytest

from codegen import fixed
from reference.suppressor import EVERY_STAGE, Options
from targets import vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("vectors") / "vectors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "SECONDS", 0.2)
        vectors.write("small", out)
    return out


def read(folder, name: str) -> np.ndarray:
    """As a stranger would: type and shape from the manifest."""
    facts = json.loads((folder / "manifest.json").read_text())["files"][name]
    return np.fromfile(folder / name, facts["dtype"]).reshape(facts["shape"])


def test_every_file_is_in_the_manifest_with_its_hash(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert there == set(manifest["files"]) | {"manifest.json"}
    for name, facts in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == facts["sha256"], name
    assert json.loads((folder / "plan.json").read_text())["hash"] == manifest["plan"]


@pytest.mark.parametrize("run", ["speech", "hostile", "speech-every-stage", "hostile-every-stage"])
def test_the_c_library_equals_the_vectors(folder, library, run):
    instance = library.instance()
    instance.configure(EVERY_STAGE if "every" in run else Options())
    signals = {tap["name"]: read(folder, f"{run}/{tap['name']}.{tap['dtype']}")
               for tap in library.plan["taps"]}  # fmt: skip
    for call, hop in enumerate(read(folder, f"{run}/in.int16")):
        for name, got in instance.process(hop).items():
            assert np.array_equal(got, signals[name][call]), f"{name}, call {call}"


def test_operators_are_swept_to_the_ends_of_int32(folder):
    for name in ("log2_q16", "tanh_q15", "sigmoid_q15"):
        rows = read(folder, f"operators/{name}.int64")
        assert rows[:, 0].max() > 2**30 and len(rows) == 2 * vectors.OPERATOR_VALUES
        for x, y in rows[::997]:
            assert getattr(fixed, name)(int(x)) == y
