"""Attenuation limit: against its definition, integers against float, C = twin, no click."""

import numpy as np
import pytest
from generated import pointer, speech

from codegen.stages import attenuation as twin
from reference import attenuation
from reference.clips import to_int16
from reference.params import HOP

LIMITS = [100, 0, 6, 6, 99, 0, 100, 20, 12]  # dB, hop by hop: every kind of step
FULL_SCALE = np.iinfo(np.int16)


def sounds(hops: int = len(LIMITS)) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(wet, dry), each (hops, 480) int16."""
    rng = np.random.default_rng(4)
    shape = (hops, HOP)
    loudest = np.full(shape, FULL_SCALE.max)
    return {
        "noise": tuple(rng.integers(FULL_SCALE.min, FULL_SCALE.max + 1, shape) for _ in "wd"),
        "ends of the range": (loudest, np.full(shape, FULL_SCALE.min)),
        "ends, turned": (np.full(shape, FULL_SCALE.min), loudest),
        "speech": tuple(to_int16(speech(hops / 100, n)).reshape(shape) for n in (1, 2)),
    }


def follow(stage, wet: np.ndarray, dry: np.ndarray, limits: list[int] = LIMITS) -> np.ndarray:
    """Hop by hop with a limit each; (L, 480)."""
    out = []
    for limit_db, w, d in zip(limits, wet, dry, strict=True):
        stage.limit_db = limit_db
        out.append(stage.run(w, d) if isinstance(stage, twin.Attenuation)
                   else stage.run(w[None], d[None])[0])  # fmt: skip
    return np.array(out)


@pytest.mark.parametrize("limit_db", [6, 20, 40])
def test_what_is_removed_stays_at_the_limit_and_what_is_kept_stays(limit_db):
    dry = np.random.default_rng(1).standard_normal((3, HOP))
    silenced = attenuation.Attenuation(limit_db).run(0 * dry, dry)
    assert np.allclose(20 * np.log10(np.abs(silenced / dry)), -limit_db, atol=1e-9)
    assert np.allclose(attenuation.Attenuation(limit_db).run(dry, dry), dry, atol=1e-12)


def test_0_db_is_the_input_and_100_db_the_output_to_the_bit():
    for wet, dry in sounds().values():
        for stage, scale in ((attenuation.Attenuation, 1.0), (twin.Attenuation, 1)):
            untouched, unlimited = stage(0), stage(100)
            assert np.array_equal(follow(untouched, wet * scale, dry * scale, [0] * 9), dry)
            assert np.array_equal(follow(unlimited, wet * scale, dry * scale, [100] * 9), wet)


@pytest.mark.parametrize("sound", sounds())
def test_integers_follow_float(sound):
    """0.51 LSB: half for the rounding, the rest for shares in Q30 on differences of 65535."""
    wet, dry = sounds()[sound]
    expected = follow(attenuation.Attenuation(100), wet.astype(float), dry.astype(float))
    got = follow(twin.Attenuation(100), wet, dry)
    assert np.abs(got - expected).max() < 0.51


@pytest.mark.parametrize("sound", sounds())
def test_c_equals_twin(library, sound):
    wet, dry = (np.ascontiguousarray(part, np.int16) for part in sounds()[sound])
    share, out = np.zeros(1, np.int32), np.empty(HOP, np.int16)
    library.c.percepnet_attenuation_reset(pointer(share), 100)
    expected = follow(twin.Attenuation(100), wet, dry)
    for n, limit_db in enumerate(LIMITS):
        library.c.percepnet_attenuation_run(
            pointer(share), pointer(out), pointer(wet[n]), pointer(dry[n]), limit_db
        )
        assert np.array_equal(out, expected[n]), f"hop {n}"


def test_a_change_while_running_makes_no_click(library):
    """No step from sample to sample is larger than that of either constant setting, at any sample.

    Beyond that only the ramp itself, 1/480 of the difference between the two, and 2 LSB rounding.
    """
    samples = to_int16(speech(1.2) + 0.02 * np.random.default_rng(5).standard_normal(57600))
    hops = samples.reshape(-1, HOP)
    limits = (100, 0)

    def run(limit_of_hop) -> np.ndarray:
        instance, out = library.instance(), []
        for n, hop in enumerate(hops):
            limit_db = limit_of_hop(n)
            assert library.c.percepnet_set_attenuation_limit_db(instance.pointer, limit_db) == 0
            out.append(instance.process(hop)["out"].astype(int))
        return np.concatenate(out)

    wet, dry = (run(lambda _, limit_db=limit_db: limit_db) for limit_db in limits)
    switched = run(lambda n: limits[n // 7 % 2])
    assert not np.array_equal(switched, wet) and not np.array_equal(switched, dry)
    allowed = np.maximum(np.abs(np.diff(wet)), np.abs(np.diff(dry)))
    allowed = allowed + np.abs(wet - dry)[1:] / HOP + 2
    assert (np.abs(np.diff(switched)) <= allowed).all()
