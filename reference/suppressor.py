"""The whole of PercepNet: follow one frame from the microphone to the loudspeaker.

Call n brings hop n (480 samples) and finishes frame l = n - 2, so the network has seen two
frames more than the one it judges. What comes out is hop n - 3: a delay of 1440 samples.

Command: python -m reference.suppressor --set build/sets/embedded --out build/out/float/embedded
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from reference import dnn, erb, features, gains, postfilter
from reference.attenuation import Attenuation
from reference.clips import hops_side_by_side, process_set, to_int16, without_delay
from reference.comb import Comb, centre_weight
from reference.dcblock import Dcblock
from reference.decay import DecayFloor
from reference.delay import Delay
from reference.highpass import Highpass
from reference.params import (
    ATTENUATION_NO_LIMIT,
    DELAY,
    HOP,
    LOOKAHEAD_FRAMES,
    N_BANDS,
    N_BINS,
    POSTFILTER_BETA,
)
from reference.pitch import Pitch
from reference.stft import Analysis, Synthesis, vorbis_window


@dataclass(frozen=True)
class Options:
    """Stages that can be switched; the defaults are those of the shipped library.

    The networks are trained for what is heard without the envelope postfilter, which costs them
    speech. The decay floor is a matter of taste by ear. The high-pass turns the phase of the lowest
    harmonics, which SI-SDR counts as error, and the band gains remove rumble without it.
    Raises ValueError for a value outside RANGES.
    """

    postfilter: bool = False
    postfilter_beta_permille: int = round(1000 * POSTFILTER_BETA)
    decay_floor: bool = False
    highpass: bool = False
    attenuation_limit_db: int = ATTENUATION_NO_LIMIT

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} {getattr(self, name)} found; {low} to {high} is needed")


RANGES = {
    "postfilter": (0, 1),
    "postfilter_beta_permille": (1, 1000),
    "decay_floor": (0, 1),
    "highpass": (0, 1),
    "attenuation_limit_db": (0, ATTENUATION_NO_LIMIT),
}
"""Least and greatest value of every option, which are those of the library's setters."""

EVERY_STAGE = Options(
    postfilter=True, postfilter_beta_permille=50, decay_floor=True, highpass=True,
    attenuation_limit_db=12,
)  # fmt: skip
"""No stage left out: what the integers are checked with besides the default."""


class FrontEnd:
    """Between DC blocker and network: spectra, pitch, comb, band sums, features.

    A band sum is written e for energy: `newest_energy` of frame n, the others of frame l = n - 2.
    """

    def __init__(self) -> None:
        self.analysis = Analysis()
        self.pitch = Pitch()
        self.comb = Comb()
        self.window = vorbis_window()
        self.spectra = Delay(LOOKAHEAD_FRAMES, (N_BINS,), complex)
        self.energies = Delay(LOOKAHEAD_FRAMES, (N_BANDS,))

    def run(self, hops: np.ndarray) -> dict[str, np.ndarray]:
        """hops: (L, 480) without offset, full scale 1.  Returns the taps by name, L rows each."""
        newest = self.analysis.run(hops)
        newest_energy = erb.energy(newest)
        y, y_energy = self.spectra.run(newest), self.energies.run(newest_energy)
        period, correlation = self.pitch.run(hops)
        p = np.fft.rfft(self.comb.run(hops, period) * self.window, axis=1)
        cross, p_energy = erb.inner(y, p), erb.energy(p)
        coherence = features.coherence(y_energy, cross, p_energy, centre_weight(period))
        return {
            "y": y,
            "p": p,
            "y_energy": y_energy,
            "newest_energy": newest_energy,
            "cross": cross,
            "p_energy": p_energy,
            "period": period,
            "correlation": correlation,
            "coherence": coherence,
            "features": features.scale(newest_energy, coherence, period, correlation),
        }


class BackEnd:
    """Everything after the network: mix, bands, postfilter, resynthesis, high-pass, limit."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.decay_floor = DecayFloor()
        self.synthesis = Synthesis()
        self.highpass = Highpass()
        self.attenuation = Attenuation(options.attenuation_limit_db)

    def run(self, taps: dict[str, np.ndarray], gain, strength) -> np.ndarray:
        """taps of Suppressor.hear; gain, strength (L, 34).  Returns hops (L, 480), full scale 1."""
        if self.options.postfilter:
            beta = self.options.postfilter_beta_permille / 1000
            gain = postfilter.envelope_postfilter(gain, taps["y_energy"], beta)
        if self.options.decay_floor:
            gain = self.decay_floor.run(gain, taps["y_energy"])
        z = gains.mix(taps["y"], taps["p"], strength)
        enhanced = gains.scale_bands(z, taps["y_energy"], gain)
        taps |= {"z": z, "enhanced": enhanced, "band_gain": gain}
        hops = self.synthesis.run(enhanced)
        if self.options.highpass:
            hops = self.highpass.run(hops, taps["period"], taps["correlation"])
        return self.attenuation.run(hops, taps["dry"])


class Suppressor:
    """Noisy hops in, enhanced hops out, three hops later.

    network: anything with run(features (L, 70)) -> (gain (L, 34), strength (L, 34), vad (L,)).
    """

    def __init__(self, network, options: Options = Options()) -> None:  # noqa: B008 (frozen)
        self.dcblock, self.dry = Dcblock(), Delay(DELAY // HOP, (HOP,))
        self.front, self.network, self.back = FrontEnd(), network, BackEnd(options)

    def hear(self, hops: np.ndarray) -> dict[str, np.ndarray]:
        """hops: (L, 480).  What is there before the network: the taps of FrontEnd, and `dry`, the
        hops that come out, as they went in."""
        return self.front.run(self.dcblock.run(hops)) | {"dry": self.dry.run(hops)}

    def run(self, hops: np.ndarray, taps: dict | None = None) -> np.ndarray:
        """hops: (L, 480), L >= 1, full scale 1.  Returns (L, 480): the hops of three calls ago.

        taps: a dictionary that receives every stage's signal, by name, with L rows each.
        """
        signals = self.hear(hops)
        gain, strength, vad = self.network.run(signals["features"])
        signals |= {"gain": gain, "strength": strength, "vad": vad}
        out = self.back.run(signals, gain, strength)
        if taps is not None:
            taps.update(signals)
        return out


def enhance(samples: np.ndarray, network, options: Options = Options()) -> np.ndarray:  # noqa: B008
    """Whole-file helper: same length out, aligned with the input (the delay is removed).

    samples: (N,) at 48 kHz, full scale 1, any N >= 0.  Returns (N,), not clipped.
    Raises ValueError for anything but one channel of finite numbers.
    """
    samples = np.asarray(samples, float)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ValueError(
            f"expected one channel of finite samples, got shape {samples.shape}"
            f" with {np.size(samples) - np.isfinite(samples).sum()} not finite"
        )
    out = Suppressor(network, options).run(hops_side_by_side([samples])[:, 0])
    return without_delay(out[:, None], [samples])[0]


def enhance_together(sounds: list[np.ndarray], network) -> list[np.ndarray]:
    """`enhance` of several sounds (N,), which share the products of one fresh network."""
    hops = hops_side_by_side(sounds)
    suppressors = [Suppressor(network) for _ in sounds]
    heard = [s.hear(hops[:, c]) for c, s in enumerate(suppressors)]
    gain, strength, _ = network.run(np.stack([taps["features"] for taps in heard], axis=1))
    out = [s.back.run(heard[c], gain[:, c], strength[:, c]) for c, s in enumerate(suppressors)]
    return without_delay(np.stack(out, axis=1), sounds)


load_network = cache(dnn.load)


def enhance_clips(sounds: list[np.ndarray], model: str) -> list[np.ndarray]:
    """Clips, int16 in and out, through a fresh suppressor each."""
    network = dnn.Network(load_network(model))
    return [to_int16(x) for x in enhance_together([x / 32768 for x in sounds], network)]


def main() -> None:
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))

    def fingerprint(model: str) -> str:
        return hashlib.sha256(code + dnn.model_path(model).read_bytes()).hexdigest()

    process_set(__doc__, enhance_clips, fingerprint)


if __name__ == "__main__":
    main()
