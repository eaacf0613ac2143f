"""First ring: how closely each integer stage follows its float definition, stage by stage.

`python -m codegen.first_ring` leaves BUILD/first-ring/<model>.json. Every stage alone: the float
stage gets exactly what the integer stage got (the recorded signals before it), so that one
stage's error is not counted in the next. States carry on over each sound.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from codegen import twin
from codegen.stages import erb as integer_erb
from codegen.stages import stft as integer_stft
from codegen.suppressor import Suppressor
from reference import (
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
from reference.clips import to_int16
from reference.dnn import fit_model
from reference.files import whole
from reference.params import HOP
from reference.suppressor import EVERY_STAGE

SECONDS = 6  # of which the network's greatest errors lie in the first, after a reset
# Signal: (stage, unit of the error, least SNR in dB on speech, greatest error on any sound).
# Reasons: spectra carry the rounding of the Q15 window, 97 dB; energies drop 7 bits of each bin;
# the correlation is that of another lag where two are as good; Q12, Q15 and int16 outputs are off
# by one rounding and their table's error, those of the DC blocker by half a step more that its mean
# carries on; the network's error is that of int8 weights and inputs, carried on by five recurrent
# layers: steady sounds that are no speech, such as a square wave at full scale, leave the sigmoids
# in doubt and off by up to 1/12; the decay floor keeps amplitudes in Q2.
ROWS = {
    "centred": ("dcblock", "int16 steps", 60, 1),
    "newest": ("stft analysis", "LSB of the spectrum", 90, 2048),
    "p": ("stft of the comb", "LSB of the spectrum", 90, 2048),
    "y_energy": ("erb", "2^-15 of the loudest band", 95, 16),
    "cross": ("erb", "2^-15 of the loudest band", 95, 256),
    "correlation": ("pitch", "Q15 steps", 30, 8192),
    "comb": ("comb", "int16 steps", 85, 1),
    "coherence": ("features", "Q15 steps", 65, 64),
    "features": ("features", "Q12 steps", 75, 1),
    "gain": ("dnn", "Q15 steps", 40, 2730),
    "strength": ("dnn", "Q15 steps", 38, 2730),
    "vad": ("dnn", "Q15 steps", 40, 2730),
    "band_gain": ("postfilter", "2^-15 of the loudest band", 70, 16),
    "enhanced": ("gains", "2^-15 of the largest noisy bin", 75, 64),
    "hop": ("stft synthesis", "int16 steps", 110, 0.05),
    "wet": ("highpass", "int16 steps", 65, 1),
    "out": ("attenuation", "int16 steps", 65, 0.51),
}
PERIODS = "period"  # compared as a share of frames


def sounds() -> dict[str, np.ndarray]:
    """(N,) int16 samples by name: speech, noise, full scale, near-silence, steady tones."""
    from reference.signals import speech

    n = np.arange(int(SECONDS * 48000))
    rng = np.random.default_rng(7)
    tones = sum(np.sin(2 * np.pi * f * n / 48000) for f in (220, 997, 5000)) / 6
    return {
        "speech": to_int16(speech(SECONDS)),
        "noise": to_int16(0.03 * rng.standard_normal(n.size)),
        "full scale": np.where(n % 240 < 120, 32767, -32768).astype(np.int16),
        "near silence": rng.integers(-2, 3, n.size).astype(np.int16),
        "tones": to_int16(tones),
    }


def record(model: str, samples: np.ndarray) -> np.ndarray:
    """Every signal of every call with all stages on, as one structured array."""
    integer = Suppressor(twin.network(model), EVERY_STAGE)
    return twin.dump(integer.run_block(samples.reshape(-1, HOP)), twin.settle(model)[0])


def compare(taps: np.ndarray, samples: np.ndarray, weights: dnn.Weights) -> dict[str, tuple]:
    """{signal: (float value, integer value, steps per unit)} from the integer inputs of each stage.

    Values in full scale 1; steps: what an error is multiplied with to be in the unit of ROWS.
    """
    sent, x = samples.reshape(-1, HOP) / 32768, taps["centred"] / 32768

    def bits(name: str) -> np.ndarray:
        return taps[f"{name}_frac"].astype(np.float64)

    def spectrum(name: str) -> np.ndarray:
        return (taps[f"{name}_re"] + 1j * taps[f"{name}_im"]) / 2.0 ** (bits(name) + 15)

    def energy(name: str, of: str) -> np.ndarray:
        return taps[name] / 2.0 ** (integer_erb.energy_frac(bits(of)) + 30)

    y, p, newest = spectrum("y"), spectrum("p"), spectrum("newest")
    period, q15 = taps["period"][:, 0].astype(int), 2.0**15
    correlation = taps["correlation_q15"][:, 0] / q15
    newest_energy, y_energy = energy("newest_energy", "newest"), energy("y_energy", "y")
    cross, p_energy = energy("cross", "y"), energy("p_energy", "p")
    coherence, gain = taps["coherence_q15"] / q15, taps["gain_q15"] / q15
    f = taps["features_q12"] / 2.0**12
    exact_period, exact_correlation = pitch.Pitch().run(x)
    on_path = np.append(exact_period[2:] == period[2:], [False, False])
    outputs = dnn.Network(weights).run(f)
    beta = EVERY_STAGE.postfilter_beta_permille / 1000
    warped = postfilter.envelope_postfilter(gain, y_energy, beta)
    floored = decay.DecayFloor().run(warped, y_energy)
    limit = attenuation.Attenuation(EVERY_STAGE.attenuation_limit_db)
    z = gains.mix(y, p, taps["strength_q15"] / q15)
    scaled = gains.scale_bands(z, y_energy, taps["band_gain_q15"] / q15)
    enhanced = spectrum("enhanced")
    noisy = np.sqrt(y_energy)
    largest = np.abs(y).max(axis=1, keepdims=True)
    comb_windows = comb.Comb().run(x, period)
    hop = taps["hop_q8"] / 2.0**23
    window = stft.vorbis_window()
    steps = q15 / np.maximum(y_energy.max(axis=1, keepdims=True), 1e-20)
    return {
        PERIODS: (exact_period, period, 1),
        "centred": (dcblock.Dcblock().run(sent), x, 2**15),
        "newest": (stft.Analysis().run(x), newest, 2 ** (bits("newest") + 15)),
        "p": (np.fft.rfft(taps["comb_q15"] / 2.0**30 * window), p, 2 ** (bits("p") + 15)),
        "hop": (stft.Synthesis().run(enhanced), hop, q15),
        "y_energy": (erb.inner(y, y), y_energy, steps),
        "cross": (erb.inner(y, p), cross, steps),
        "correlation": (exact_correlation[on_path], correlation[on_path], q15),
        "comb": (comb_windows, taps["comb_q15"] / 2.0**30, q15),
        "coherence": (
            features.coherence(y_energy, cross, p_energy, comb.centre_weight(period)),
            coherence,
            q15,
        ),
        "features": (features.scale(newest_energy, coherence, period, correlation), f, 2**12),
        "gain": (outputs[0], gain, q15),
        "strength": (outputs[1], taps["strength_q15"] / q15, q15),
        "vad": (outputs[2][:, None], taps["vad_q15"] / q15, q15),
        "band_gain": (  # where a band holds nothing its gain means nothing: amplitudes are compared
            floored * noisy,
            taps["band_gain_q15"] / q15 * noisy,
            q15 / np.maximum(noisy.max(axis=1, keepdims=True), 1e-10),
        ),
        "enhanced": (scaled, enhanced, q15 / np.maximum(largest, 1e-10)),
        "wet": (
            np.clip(highpass.Highpass().run(hop, period, correlation), -1, 32767 / 32768),
            taps["wet"] / q15,
            q15,
        ),
        "out": (limit.run(taps["wet"] / q15, taps["dry"] / q15), taps["out"] / q15, q15),
    }


def snr_and_error(exact: np.ndarray, got: np.ndarray, steps: np.ndarray) -> tuple[float, float]:
    """(SNR in dB, greatest error in steps); real and imaginary parts apart."""
    error = got - exact
    snr = 10 * np.log10(max(np.sum(np.abs(exact) ** 2), 1e-300) / max(np.sum(np.abs(error) ** 2),
                                                                       1e-300))  # fmt: skip
    parts = np.maximum(np.abs(error.real), np.abs(error.imag))
    return float(snr), float((parts * steps).max(initial=0))


def measure(model: str) -> dict[str, dict]:
    """{signal: {sound: (SNR in dB, greatest error)}}; for PERIODS the share of equal frames."""
    weights, table = dnn.load(model), {name: {} for name in (*ROWS, PERIODS)}
    for sound, samples in sounds().items():
        taps = record(model, samples)
        for name, (exact, got, steps) in compare(taps, samples, weights).items():
            share = float(np.mean(exact == got))
            table[name][sound] = share if name == PERIODS else snr_and_error(exact, got, steps)
    return table


def fft_levels() -> dict[int, float]:
    """{level in dBFS: SNR in dB} of the analysis FFT on noise, peak at the level."""
    rng = np.random.default_rng(8)
    found = {}
    for level in range(-60, 1, 10):
        x = rng.uniform(-1, 1, 40 * HOP) * 10 ** (level / 20)
        samples = to_int16(x).reshape(-1, HOP)
        analysis = integer_stft.Analysis()
        spectra = [analysis.run(hop.astype(np.int64)) for hop in samples]
        got = np.array([(x.re + 1j * x.im) / 2.0 ** (x.frac + 15) for x in spectra])
        found[level] = snr_and_error(stft.Analysis().run(samples / 32768), got, np.ones(1))[0]
    return found


def result(model: str) -> dict:
    """{"model", "weights", "rows": [{signal, stage, unit, "sounds": {sound: [SNR dB, error]}}],
    "periods": {sound: share of equal frames}, "fft": {level dBFS: SNR dB}}, to 6 digits.
    """
    def short(value: float) -> float:
        return float(f"{value:.6g}")

    table = measure(model)
    rows = [{"signal": name, "stage": stage, "unit": unit,
             "sounds": {sound: [short(x) for x in pair] for sound, pair in table[name].items()}}
            for name, (stage, unit, *_) in ROWS.items()]  # fmt: skip
    weights = dnn.weights_hash(model)
    return {"model": model, "weights": weights, "rows": rows,
            "periods": {sound: short(share) for sound, share in table[PERIODS].items()},
            "fft": {str(level): short(snr) for level, snr in fft_levels().items()}}  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=fit_model, default="small")
    model = parser.parse_args().model
    path = Path("build/first-ring") / f"{model}.json"
    with whole(path) as new:
        new.write_text(json.dumps(result(model), indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
