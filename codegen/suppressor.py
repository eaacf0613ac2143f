"""The whole of PercepNet in integers: what the generated C must equal, bit for bit.

Shaped like `reference/suppressor.py`; C: `templates/suppressor.c.j2`. STAGES is the one list of
stages: plan, generated files, structs, counts and pages follow it. Signals are recorded in the
order in which they are made here.
"""

from collections import deque
from collections.abc import Iterable
from functools import cache

import numpy as np

from codegen import declare
from codegen.declare import FRAME, WORK, Field, Signal, Struct
from codegen.fixed import rshift_round, sat16
from codegen.stages import (
    attenuation,
    comb,
    dcblock,
    decay,
    dnn,
    erb,
    features,
    gains,
    highpass,
    pitch,
    postfilter,
    stft,
)
from codegen.stages.stft import Spectrum
from reference.params import DELAY, HOP, LOOKAHEAD_FRAMES, N_BANDS, N_BINS
from reference.suppressor import EVERY_STAGE, RANGES, Options

STAGES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        dcblock, stft, erb, pitch, comb, features, dnn, postfilter, decay, gains,
        highpass, attenuation,
    )
}  # fmt: skip
"""Stage modules by name, in pipeline order."""


class Delay:
    """Returns what it was given `frames` frames ago; `fill` before that."""

    def __init__(self, frames: int, fill) -> None:
        self.past = deque([fill] * frames)

    def run(self, newest):
        """What comes out as `newest` goes in."""
        self.past.append(newest)
        return self.past.popleft()


class FrontEnd:
    """Everything before the network: DC blocker, spectra, pitch, comb, band sums, features."""

    def __init__(self) -> None:
        silence = np.zeros(N_BINS, np.int64)
        self.dcblock = dcblock.Dcblock()
        self.analysis, self.pitch, self.comb = stft.Analysis(), pitch.Pitch(), comb.Comb()
        self.spectra = Delay(LOOKAHEAD_FRAMES, Spectrum(silence, silence, stft.SILENCE_FRAC))
        self.energies = Delay(LOOKAHEAD_FRAMES, np.zeros(N_BANDS, np.int64))
        self.dry = Delay(DELAY // HOP, np.zeros(HOP, np.int64))

    def run(self, hop: np.ndarray) -> dict:
        """hop: (480,) int16.  The signals before the network by name."""
        hop = np.asarray(hop, np.int64)
        centred = self.dcblock.run(hop)
        newest = self.analysis.run(centred)
        newest_energy = erb.energy(newest)
        y, y_energy = self.spectra.run(newest), self.energies.run(newest_energy)
        period, correlation_q15 = self.pitch.run(centred)
        comb_q15 = self.comb.run(centred, period)
        p = stft.comb_spectrum(comb_q15, y.frac)
        # The comb may reach into louder samples: y gets the fractional bits of p.
        y, y_energy = y.with_frac(p.frac), rshift_round(y_energy, 2 * (y.frac - p.frac))
        cross, p_energy = erb.inner(y, p), erb.energy(p)
        centre_q15 = comb.centre_weight_q15(period)
        coherence_q15 = features.coherence_q15(y_energy, cross, p_energy, centre_q15)
        return {
            "centred": centred,
            "dry": self.dry.run(hop),
            "newest": newest,
            "newest_energy": newest_energy,
            "period": period,
            "correlation_q15": correlation_q15,
            "comb_q15": comb_q15,
            "y": y,
            "p": p,
            "y_energy": y_energy,
            "cross": cross,
            "p_energy": p_energy,
            "coherence_q15": coherence_q15,
            "features_q12": features.scale(
                newest_energy, newest.frac, coherence_q15, period, correlation_q15
            ),
        }


class BackEnd:
    """Everything after the network: postfilter, mix, bands, resynthesis, high-pass, limit."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.decay_floor, self.synthesis = decay.DecayFloor(), stft.Synthesis()
        self.highpass = highpass.Highpass()
        self.attenuation = attenuation.Attenuation(options.attenuation_limit_db)

    def run(self, signals: dict) -> dict:
        """Signals before and of the network; those that follow, `out` the enhanced hop."""
        y, y_energy = signals["y"], signals["y_energy"]
        gain_q15 = signals["gain_q15"].astype(np.int64)
        if self.options.postfilter:
            beta_permille = self.options.postfilter_beta_permille
            gain_q15 = postfilter.envelope_postfilter_q15(gain_q15, y_energy, beta_permille)
        if self.options.decay_floor:
            gain_q15 = self.decay_floor.run(gain_q15, y_energy, y.frac)
        z = gains.mix(y, signals["p"], signals["strength_q15"].astype(np.int64))
        z_energy = erb.energy(z)
        scale_q13 = gains.scale_q13(z_energy, y_energy, gain_q15)
        enhanced = gains.apply(z, scale_q13)
        hop_q8 = self.synthesis.run(enhanced)
        if self.options.highpass:
            wet = self.highpass.run(hop_q8, signals["period"], signals["correlation_q15"])
        else:
            wet = sat16(rshift_round(hop_q8, 8))
        return {
            "band_gain_q15": gain_q15,
            "z": z,
            "z_energy": z_energy,
            "scale_q13": scale_q13,
            "enhanced": enhanced,
            "hop_q8": hop_q8,
            "wet": wet,
            "out": self.attenuation.run(wet, signals["dry"]),
        }


class Suppressor:
    """Twin of percepnet_process: int16 hops in, every signal by name out.

    network: a `Dnn`, or what has its `run`.
    """

    def __init__(self, network, options: Options = Options()) -> None:  # noqa: B008 (frozen)
        self.front, self.network, self.back = FrontEnd(), network, BackEnd(options)

    def run(self, hop: np.ndarray) -> dict:
        """hop: (480,) int16.  Its signals; a Spectrum counts as one. `out`: the enhanced hop."""
        return self.run_block(hop[None])[0]

    def run_block(self, hops: np.ndarray) -> list[dict]:
        """hops: (L, 480) int16.  The signals of every hop, equal to those of L calls of `run`."""
        frames = run_together([self.front], self.network, [self.back], hops[:, None])
        return [row[0] for row in frames]


def run_together(
    fronts: list[FrontEnd], network, backs: list[BackEnd], hops: np.ndarray
) -> list[list[dict]]:
    """The signals of every hop (L, C, 480) int16 of C sounds, which share the network's products.

    Returns L lists of C.
    """
    frames = [[front.run(hop) for front, hop in zip(fronts, row, strict=True)] for row in hops]
    layers = network.run(np.array([[taps["features_q12"] for taps in row] for row in frames]))
    for n, row in enumerate(frames):
        for c, (signals, back) in enumerate(zip(row, backs, strict=True)):
            signals |= {name: layer[n, c] for name, layer in layers.items()}
            signals |= back.run(signals)
    return frames


def recorded(signals: dict) -> dict[str, np.ndarray]:
    """Signals as the plan lists them: the parts of a Spectrum apart."""
    found = {}
    for name, value in signals.items():
        parts = value._asdict() if isinstance(value, Spectrum) else {}
        found |= {f"{name}_{part}": x for part, x in parts.items()} or {name: value}
    return found


@cache
def _order() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the signals before and after the network, as they are made."""
    front = FrontEnd().run(np.zeros(HOP, np.int64))
    network = dict.fromkeys(("gain_q15", "strength_q15"), np.zeros(N_BANDS, np.int64))
    return tuple(front), tuple(BackEnd(EVERY_STAGE).run(front | network))


def declared(network: dict) -> dict[str, declare.Stage]:
    """What every stage declares; that of dnn follows from the plan entry `network`."""
    return {n: dnn.stage(network) if m is dnn else m.STAGE for n, m in STAGES.items()}


def signals(network: dict) -> dict[str, tuple[str, Signal]]:
    """{name: its stage and itself} of every signal in pipeline order.

    Raises ValueError for a signal that is made and not declared, or declared and not made.
    """
    known = {s.name: (name, s) for name, stage in declared(network).items() for s in stage.signals}
    before, after = _order()
    names = [*before, *(f"{layer['name']}_q15" for layer in network["layers"]), *after]
    if odd := sorted(known.keys() ^ set(names)):
        where = "declared by a stage" if odd[0] in known else "made by the pipeline"
        raise ValueError(f"signal {odd[0]} is only {where}; both are needed")
    return {name: known[name] for name in names}


def instance(network: dict, settings: Iterable[str] = RANGES) -> Struct:
    """struct percepnet, in the order in which it lies in memory."""
    known = [signal for _, signal in signals(network).values()]
    stages = declared(network).values()
    feed = Struct("feed_state", (
        Field("filled", "int32", (), "0 ... PERCEPNET_HOP - 1"),
        Field("vad_q15", "int16"), Field("hop", "int16", ("HOP",)),
    ))  # fmt: skip
    return Struct("instance", (
        Field("kernels", "const percepnet_kernels *", (), "the fastest of this CPU"),
        *(Field(name, "int32") for name in settings),
        Field("past", Struct("past", (
            Field("oldest", "int32", (), "of the next two: where the newest goes"),
            Field("spectra", stft.SPECTRUM, ("LOOKAHEAD",)),
            Field("energies", "int64", ("LOOKAHEAD", "N_BANDS")),
            *(field for stage in stages for field in stage.past), Field("feed", feed),
        ))),
        Field("frames", Struct("frame", _members(known, FRAME)), ("BLOCK",)),
        Field("io", dnn.io(network)),
        Field("work", Struct("work", (
            *_members(known, WORK), *(field for stage in stages for field in stage.scratch),
        ))),
    ))  # fmt: skip


def _members(known: list[Signal], place: str) -> tuple[Field, ...]:
    """Fields of the signals of a place: structs first, then wide numbers before narrow ones."""

    def width(signal: Signal) -> int:
        return np.dtype(signal.type).itemsize if isinstance(signal.type, str) else np.inf

    mine = [signal for signal in known if signal.place == place]
    return tuple(signal.as_field() for signal in sorted(mine, key=width, reverse=True))


def structs(instance: Struct) -> dict[str, list[dict[str, str]]]:
    """Fields of every struct of the library, as templates print them."""
    return {name: declare.text(s) for name, s in declare.nested(instance).items()}
