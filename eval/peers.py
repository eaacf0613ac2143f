"""Python entry points of outside suppressors (extra `peers`), as systems.toml names them.

Each is a function of the samples of a whole clip, (n,) float, ±1 full scale, at the rate its
entry states, and returns as many. Delay stays in: eval.systems finds and removes it.
"""

import numpy as np

from reference.clips import to_int16

WEBRTC_HOP = 160
WEBRTC_LEVEL = 4  # of 0 … 4, the strongest, as `high` and above in other tables


def in_hops(x: np.ndarray, hop: int) -> np.ndarray:
    """int16 hops (count, hop) of x, the last filled up with zeros."""
    return to_int16(np.pad(x, (0, -x.size % hop))).reshape(-1, hop)


def rnnoise(x: np.ndarray) -> np.ndarray:
    """RNNoise as `pyrnnoise` ships it (float build, 48 kHz), a fresh state for the clip."""
    from pyrnnoise import rnnoise as library

    state = library.create()
    try:
        frames = [library.process_mono_frame(state, hop)[0]
                  for hop in in_hops(x, library.FRAME_SIZE)]
    finally:
        library.destroy(state)
    return np.concatenate(frames)[:x.size] / 32768


def webrtc(x: np.ndarray) -> np.ndarray:
    """Noise suppression of WebRTC's audio processing at its strongest, no gain control (16 kHz)."""
    from webrtc_noise_gain import AudioProcessor

    processor = AudioProcessor(0, WEBRTC_LEVEL)
    frames = [np.frombuffer(processor.Process10ms(hop.tobytes()).audio, np.int16)
              for hop in in_hops(x, WEBRTC_HOP)]
    return np.concatenate(frames)[:x.size] / 32768
