"""Features and targets in torch, many rows at once, are those of the reference."""

import numpy as np
import pytest
import torch

from reference.oracle import examples
from reference.params import HOP, N_BANDS, N_FEATURES, RATE
from training import targets
from training.targets import PARTS, WIDTH, Labeller, batch

FRAMES = 150


@pytest.fixture(scope="module")
def mixtures():
    """Four rows: voices of rising pitch under noise, a quiet one, one that starts late, noise."""
    rng = np.random.default_rng(7)
    time = np.arange(FRAMES * HOP) / RATE
    noisy, clean = [], []
    for row, (pitch, level, hiss) in enumerate(
        ((90, 0.2, 0.02), (180, 0.002, 3e-4), (320, 0.3, 0.003), (130, 0.0, 0.05))
    ):
        phase = 2 * np.pi * pitch * np.cumsum(1 + 0.2 * np.sin(3 * time)) / RATE
        voice = sum(np.sin(k * phase + k) / k for k in range(1, 20))
        voice *= level * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)
        voice[: row * 10 * HOP] = 0
        clean.append(voice)
        noisy.append(voice + hiss * rng.standard_normal(len(time)))
    return torch.from_numpy(np.stack(noisy)), torch.from_numpy(np.stack(clean))


@pytest.mark.parametrize(("dtype", "off"), [(torch.float64, 1e-3), (torch.float32, 2e-3)])
def test_rows_are_the_examples_of_the_reference(mixtures, dtype, off):
    """Within float16. In float32 a near tie of two lags may fall the other way: in few frames."""
    noisy, clean = (x.to(dtype) for x in mixtures)
    tops = torch.tensor([24_000.0, 24_000, 8000, 24_000], dtype=dtype)
    made = Labeller(dtype=dtype, chunk=3).frames(noisy, clean, tops)
    assert made.shape == (4, FRAMES, WIDTH) and made.dtype == torch.float16
    for k in range(4):
        want = examples(noisy[k].double().numpy(), clean[k].double().numpy(),
                        bandwidth_hz=tops[k].item())  # fmt: skip
        features, gain, strength, its_gain, _, weight, vad, believed = (
            x.float().numpy() for x in torch.split(made[k], PARTS, 1)
        )
        same = np.abs(features - want.features).max(1) < 4 * off
        assert same.mean() > (0.999 if dtype == torch.float64 else 0.97)
        np.testing.assert_allclose(gain, want.gain, atol=off)
        np.testing.assert_array_equal(its_gain, gain)
        np.testing.assert_array_equal(weight, want.gain_weight)
        np.testing.assert_array_equal(vad[:, 0], want.vad)
        # Without speech, or without noise, any strength is as good as another.
        heard = same[:, None] & (want.gain > 0.02) & (want.gain < 0.99)
        assert np.all(np.abs(strength - want.strength)[heard] < 2 * off)
        assert not believed.any()


def test_a_row_is_the_same_beside_others(mixtures):
    noisy, clean = (x.float() for x in mixtures)
    tops = torch.full((4,), 24_000.0)
    together = Labeller(chunk=4).frames(noisy, clean, tops)
    alone = Labeller(chunk=4).frames(noisy[1:2], clean[1:2], tops[1:2])
    torch.testing.assert_close(alone[0], together[1], rtol=0, atol=2e-3)


def test_a_teacher_moves_the_targets_where_it_is_believed(mixtures):
    """Its share counts from frame 60 on in a row of trust 1, half in one of trust 1/2."""
    noisy, clean = (x.float() for x in mixtures)
    tops, trust = torch.full((4,), 24_000.0), torch.tensor([1.0, 0.5, 0.0, 1.0])
    made = Labeller(chunk=2).frames(noisy, clean, tops, taught=0.5 * clean, believed=trust)
    true, moved = batch(made, 0.0), batch(made, 0.8)
    assert true.features.shape == (FRAMES, 4, N_FEATURES) and true.gain.shape[2] == N_BANDS
    assert torch.equal(true.features, moved.features)
    assert torch.equal(true.gain[: targets.SETTLES], moved.gain[: targets.SETTLES])
    late = slice(targets.SETTLED, None)
    its = torch.split(made, PARTS, 2)[3].transpose(0, 1).float()
    for row, share in enumerate((0.8 * trust).tolist()):
        want = torch.lerp(true.gain[late, row], its[late, row], share)
        torch.testing.assert_close(moved.gain[late, row], want, rtol=0, atol=1e-6)
    assert (moved.gain[late, 0] < true.gain[late, 0] - 0.2).any()
    assert torch.equal(moved.gain[:, 2], true.gain[:, 2])
