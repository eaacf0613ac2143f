"""The integer twin of the whole library: what the generated C must equal, bit for bit.

Command: python -m codegen.twin --set build/sets/embedded --out build/out/twin/embedded
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from codegen.fixed import rshift_round, sat16
from codegen.plan import plan
from codegen.stages import erb, features, gains, postfilter, stft
from codegen.stages.attenuation import Attenuation
from codegen.stages.comb import Comb, centre_weight_q15
from codegen.stages.dnn import Dnn
from codegen.stages.highpass import Highpass
from codegen.stages.pitch import Pitch
from reference.clips import hops_side_by_side, process_set, without_delay
from reference.params import DELAY, HOP, LOOKAHEAD_FRAMES, N_BANDS, N_BINS
from reference.suppressor import Options

BLOCK = 100
"""Hops of a file that go through the network at once: quick, and their taps are some 5 MB."""


class Suppressor:
    """Twin of percepnet_process: int16 hops in and out, every tap of the plan by name."""

    def __init__(self, content: dict, arrays: dict, options: Options = Options()) -> None:  # noqa: B008
        self.options = options
        self.dnn = Dnn(content["dnn"], arrays)
        self.analysis, self.synthesis = stft.Analysis(), stft.Synthesis()
        self.pitch, self.comb, self.highpass = Pitch(), Comb(), Highpass()
        self.decay_floor = postfilter.DecayFloor()
        self.attenuation = Attenuation(options.attenuation_limit_db)
        silence = np.zeros(N_BINS, np.int64)
        frame = ((silence, silence, stft.SILENCE_FRAC), np.zeros(N_BANDS, np.int64))
        self.past = [frame] * LOOKAHEAD_FRAMES  # (spectrum, energies), oldest first
        self.past_hops = [np.zeros(HOP, np.int64)] * (DELAY // HOP)

    def run(self, hop: np.ndarray) -> dict[str, np.ndarray]:
        """hop: (480,) int16.  Returns the taps in pipeline order; `out` is the enhanced hop."""
        return self.run_block(hop[None])[0]

    def run_block(self, hops: np.ndarray) -> list[dict[str, np.ndarray]]:
        """hops: (L, 480) int16.  The taps of every hop, equal to those of L calls of `run`."""
        return [taps for (taps,) in run_together([self], self.dnn, hops[:, None])]

    def front_end(self, hop: np.ndarray) -> dict[str, np.ndarray]:
        """hop: (480,) int64.  The taps before the network, features_q12 the last."""
        newest = self.analysis.run(hop)
        newest_energy = erb.inner(newest, newest)
        y, y_energy = self.past.pop(0)
        self.past.append((newest, newest_energy))
        self.past_hops.append(hop)
        period, correlation_q15 = self.pitch.run(hop)
        comb_q15 = self.comb.run(hop, period)
        p = stft.comb_spectrum(comb_q15, y[2])
        drop = y[2] - p[2]
        y = (rshift_round(y[0], drop), rshift_round(y[1], drop), p[2])
        y_energy = rshift_round(y_energy, 2 * drop)
        cross, p_energy = erb.inner(y, p), erb.inner(p, p)
        centre_q15 = centre_weight_q15(period)
        coherence_q15 = features.coherence_q15(y_energy, cross, p_energy, centre_q15)
        features_q12 = features.scale(
            newest_energy, newest[2], coherence_q15, period, correlation_q15
        )
        return {
            "dry": self.past_hops.pop(0),
            "newest_re": newest[0], "newest_im": newest[1], "newest_frac": newest[2],
            "newest_energy": newest_energy, "period": period, "correlation_q15": correlation_q15,
            "comb_q15": comb_q15, "p_re": p[0], "p_im": p[1], "p_frac": p[2],
            "y_re": y[0], "y_im": y[1], "y_energy": y_energy, "cross": cross,
            "p_energy": p_energy, "coherence_q15": coherence_q15, "features_q12": features_q12,
        }  # fmt: skip

    def back_end(self, taps: dict) -> dict[str, np.ndarray]:
        """The taps before and of the network; returns those with all that follow."""
        y = (taps["y_re"], taps["y_im"], taps["p_frac"])
        p = (taps["p_re"], taps["p_im"], taps["p_frac"])
        gain_q15, y_energy = taps["gain_q15"].astype(np.int64), taps["y_energy"]
        if self.options.postfilter:
            beta_permille = self.options.postfilter_beta_permille
            gain_q15 = postfilter.envelope_postfilter_q15(gain_q15, y_energy, beta_permille)
        if self.options.decay_floor:
            gain_q15 = self.decay_floor.run(gain_q15, y_energy, y[2])
        z = gains.mix(y, p, taps["strength_q15"].astype(np.int64))
        z_energy = erb.inner(z, z)
        scale_q13 = gains.scale_q13(z_energy, y_energy, gain_q15)
        enhanced = gains.apply(z, scale_q13)
        hop_q8 = self.synthesis.run(*enhanced)
        if self.options.highpass:
            wet = self.highpass.run(hop_q8, taps["period"], taps["correlation_q15"])
        else:
            wet = sat16(rshift_round(hop_q8, 8))
        out = self.attenuation.run(wet, taps["dry"])
        return taps | {
            "band_gain_q15": gain_q15, "z_re": z[0], "z_im": z[1], "z_energy": z_energy,
            "scale_q13": scale_q13, "enhanced_re": enhanced[0], "enhanced_im": enhanced[1],
            "hop_q8": hop_q8, "wet": wet, "out": out,
        }  # fmt: skip


def run_together(suppressors: list[Suppressor], network: Dnn, hops: np.ndarray) -> list[list[dict]]:
    """The taps of every hop (L, C, 480) int16 of C sounds, which share the network's products.

    Returns L lists of C. Each sound has a suppressor of its own; `network` is in the place of
    theirs and must have seen the same sounds.
    """
    frames = [[s.front_end(hop) for s, hop in zip(suppressors, row, strict=True)]
              for row in np.asarray(hops, np.int64)]  # fmt: skip
    layers = network.run(np.array([[taps["features_q12"] for taps in row] for row in frames]))
    for n, row in enumerate(frames):
        for c, suppressor in enumerate(suppressors):
            mine = {name: layer[n, c] for name, layer in layers.items()}
            row[c] = suppressor.back_end(row[c] | mine)
    return frames


def enhance(samples: np.ndarray, suppressor: Suppressor, taps: list | None = None) -> np.ndarray:
    """Whole-file helper: (N,) int16 in, (N,) int16 out, aligned with the input.

    taps: a list that receives the taps of every call.
    """
    return enhance_together([samples], [suppressor], suppressor.dnn, taps)[0]


def enhance_together(sounds: list[np.ndarray], suppressors: list[Suppressor], network: Dnn,
                     taps: list | None = None) -> list[np.ndarray]:  # fmt: skip
    """The same of several sounds; network and suppressors as in `run_together`, fresh.

    taps: receives those of the first sound.
    """
    hops = hops_side_by_side(sounds)
    out = np.empty(hops.shape, np.int16)
    for start in range(0, len(hops), BLOCK):
        frames = run_together(suppressors, network, hops[start : start + BLOCK])
        out[start : start + BLOCK] = [[frame["out"] for frame in row] for row in frames]
        if taps is not None:
            taps += [row[0] for row in frames]
    return without_delay(out, sounds)


def tap_dtype(content: dict) -> np.dtype:
    """Structured type of one call in a tap dump."""
    return np.dtype([(t["name"], t["dtype"], (t["count"],)) for t in content["taps"]])


def dump(frames: list[dict], content: dict) -> np.ndarray:
    """Taps of many calls as one structured array, the layout of the command's --taps file."""
    out = np.zeros(len(frames), tap_dtype(content))
    for i, frame in enumerate(frames):
        for name in out.dtype.names:
            out[name][i] = frame[name]
    return out


settle = cache(plan)  # once in each worker process


def enhance_clips(sounds: list[np.ndarray], model: str) -> list[np.ndarray]:
    """Clips (N,) int16, through a fresh twin each."""
    content, arrays = settle(model)
    suppressors = [Suppressor(content, arrays) for _ in sounds]
    return enhance_together(sounds, suppressors, Dnn(content["dnn"], arrays))


def fingerprint(model: str) -> str:
    """Changes whenever an enhanced clip could: code, plan and weights."""
    code = hashlib.sha256()
    for folder in ("codegen", "reference"):
        for path in sorted(Path(folder).rglob("*.py")):
            if "training" not in path.parts:
                code.update(path.read_bytes())
    return plan(model)[0]["hash"] + code.hexdigest()


def main() -> None:
    """Command line."""
    process_set(__doc__, enhance_clips, fingerprint)


if __name__ == "__main__":
    main()
