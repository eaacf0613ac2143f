"""codegen/steps.py and eval/cost.py: each step changes what it says, and costs are differences."""

import json

import numpy as np
import pytest
import soundfile
from generated import snr_db, speech
from test_quantize import TOY, random_network

from codegen import steps
from eval import cost
from reference import dnn
from reference.clips import to_int16
from reference.topology import FEATURES, LAYERS


def test_int8_inputs_have_255_values_and_the_state_keeps_more():
    """The step to int8 is 1/127; the network follows the float one, and is not it."""
    assert np.unique(steps.int8_input(np.linspace(-1, 1, 9999))).size == 255
    weights = random_network(3, **TOY)
    features = np.random.default_rng(4).normal(size=(50, weights["dense.weight"].shape[1]))
    exact, rounded = dnn.Network(weights), steps.Int8Inputs(weights)
    expected, got = exact.run(features)[0], rounded.run(features)[0]
    assert 20 < snr_db(expected, got) < 80
    state = rounded.layers["gru_strength"].state
    assert not np.array_equal(state, steps.int8_input(state))


def test_every_matrix_hears_its_inputs_as_the_integers_do():
    """Features in Q12, which reach beyond ±1; all else in steps of 1/127."""
    network = steps.Int8Inputs(random_network(3, **TOY))
    x = np.array([-7.3, -0.4, 0.3 / 4096, 0.3, 7.3])
    for name, layer in LAYERS.items():
        step = 1 / 4096 if layer.reads == (FEATURES,) else 1 / 127
        heard = network.heard(name, x) / step
        assert np.abs(heard - np.round(heard)).max() < 1e-9, name
        assert np.abs(heard - x / step).max() < 0.5 + 1e-9, name


def test_float_network_in_the_integer_pipeline_rounds_to_q15():
    weights = random_network(3, **TOY)
    features = np.random.default_rng(5).normal(size=(4, weights["dense.weight"].shape[1]))
    features_q12 = np.floor(features * 4096 + 0.5).astype(np.int64)
    network, alone = dnn.Network(weights), steps.FloatNetwork(weights)
    gain, _, _ = network.run(features_q12 / 4096)
    got = np.concatenate([alone.run(part)["gain_q15"] for part in np.split(features_q12, [1, 3])])
    assert got.dtype == np.int64 and np.abs(got / 2**15 - gain).max() <= 2**-15


@pytest.fixture
def scored(tmp_path, quick_scores):
    """A prepared set of two clips of 2 s, and every step as the clean clip with more noise."""
    rng = np.random.default_rng(6)
    folder = tmp_path / "sets" / "tiny"
    clips = []
    for name, snr in (("a", 0), ("b", 10)):
        clean = speech(2, snr + 1)
        paths = {"noisy": folder / "noisy" / f"{name}.wav", "clean": folder / f"clean/{name}.wav"}
        noise = {s: 0.001 * (k + 1) for k, s in enumerate(cost.STEPS)}
        for system in noise:
            paths[system] = tmp_path / "out" / system / "tiny" / f"{name}.wav"
        for system, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            level = 0 if system == "clean" else noise.get(system, 0.02)
            noisy = clean + level * rng.standard_normal(clean.size)
            soundfile.write(path, to_int16(noisy), 48000, "PCM_16")
        clips.append({"name": name, "snr": snr, "noisy": f"noisy/{name}.wav",
                      "clean": f"clean/{name}.wav"})  # fmt: skip
    about = {"name": "tiny", "score_rate": 48000, "clips": clips}
    (folder / "set.json").write_text(json.dumps(about))
    return tmp_path


def test_costs_are_differences_to_float_of_the_same_clips(scored, capsys):
    """Steps that are noisier cost more; the file, the table and the exit code say so."""
    code = cost.main(["--set", str(scored / "sets/tiny"), "--build", str(scored)])
    result = json.loads((scored / "score/cost-tiny.json").read_text())
    rows = {(r["system"], r["snr"]): r for r in result["rows"]}
    assert len(rows) == 5 * 3 and rows["float", None]["cost_pesq_wb"] == 0
    twin, base = rows["twin", None], rows["float", None]
    assert twin["cost_pesq_wb"] == pytest.approx(base["pesq_wb"] - twin["pesq_wb"], abs=2e-5)
    mean = (rows["twin", 0]["cost_stoi"] + rows["twin", 10]["cost_stoi"]) / 2
    assert twin["cost_stoi"] == pytest.approx(mean, abs=2e-5)
    assert result["worst"]["pesq_wb"]["cost"] >= twin["cost_pesq_wb"] > 0.02
    assert code == 1 and "0.02 is allowed" in capsys.readouterr().err


def test_a_step_that_has_not_run_is_named(scored):
    import shutil

    shutil.rmtree(scored / "out/step-signal")
    with pytest.raises(SystemExit, match="tiny: step-signal not found .*`make cost` runs"):
        cost.main(["--set", str(scored / "sets/tiny"), "--build", str(scored)])
