"""Integer decay floor; twin of reference/decay.py."""

import numpy as np

from codegen.declare import Field, Stage, Struct
from codegen.fixed import clamp, div_q, isqrt64, quantise, rshift_round, shift_round
from codegen.stages.erb import energy_frac
from codegen.stages.gains import BAND_GAIN_LIMIT_Q15
from reference.params import DECAY_FLOOR, N_BANDS

DECAY_Q15 = quantise(DECAY_FLOOR, 15)
AMPLITUDE_BITS = 2  # band amplitudes in int16 units, Q2
STATE = Struct(
    "decay",
    (Field("amplitude_q2", "int64", ("N_BANDS",), "of the last output frame, int16 units"),),
)
STAGE = Stage(
    past=(Field("decay", STATE),),
    settings={"decay_floor": "Lets no band fall faster than 60 dB in 100 ms: less dry on "
              "headphones."},
)  # fmt: skip


def constants() -> dict[str, int]:
    return {"DECAY_Q15": DECAY_Q15, "AMPLITUDE_BITS": AMPLITUDE_BITS}


def bounds() -> list[tuple[str, int, int]]:
    return [("decay floored / noisy", (2**31 << 15) + 2**32, 2**63 - 1)]


class DecayFloor:
    """State: band amplitudes of the last output frame, Q2."""

    def __init__(self) -> None:
        self.amplitude_q2 = np.zeros(N_BANDS, np.int64)

    def run(self, gain_q15: np.ndarray, y_energy: np.ndarray, frac: int) -> np.ndarray:
        """gain_q15: (34,) int32; y_energy of a spectrum with `frac`.  Returns gains, Q15."""
        noisy_q2 = isqrt64(shift_round(y_energy, 2 * AMPLITUDE_BITS - energy_frac(frac)))
        wanted_q2 = rshift_round(gain_q15 * noisy_q2, 15)
        kept_q2 = rshift_round(self.amplitude_q2 * DECAY_Q15, 15)
        ceiling = np.maximum(noisy_q2, wanted_q2)
        self.amplitude_q2 = np.minimum(np.maximum(wanted_q2, kept_q2), ceiling)
        held_q15 = div_q(self.amplitude_q2, np.maximum(noisy_q2, 1), 15)
        return np.where(kept_q2 > wanted_q2, clamp(held_q15, 0, BAND_GAIN_LIMIT_Q15), gain_q15)
