"""Short-time Fourier transform with the Vorbis power-complementary window (P20 section 2)."""

import numpy as np

from reference.params import HOP, N_BINS, WINDOW


def vorbis_window() -> np.ndarray:
    """Window w, shape (960,): w(n) = sin(pi/2 sin^2(pi (n + 1/2) / 960)).

    Power complementary: w^2(n) + w^2(n + 480) = 1, so using it for analysis and for synthesis
    gives perfect reconstruction.
    """
    n = np.arange(WINDOW)
    return np.sin(np.pi / 2 * np.sin(np.pi * (n + 0.5) / WINDOW) ** 2)


class Analysis:
    """Hops of samples in, spectra out. State: the previous hop."""

    def __init__(self) -> None:
        self.window = vorbis_window()
        self.previous = np.zeros(HOP)

    def run(self, hops: np.ndarray) -> np.ndarray:
        """Spectra of the windows that end with each hop.

        hops: (L, 480), full scale 1.  Returns (L, 481) complex, not normalised.
        """
        past = np.concatenate([self.previous[None], hops[:-1]])
        self.previous = hops[-1].copy()
        return np.fft.rfft(np.concatenate([past, hops], axis=1) * self.window, axis=1)


class Synthesis:
    """Spectra in, hops out, by overlap-add. State: the second half of the last window."""

    def __init__(self) -> None:
        self.window = vorbis_window()
        self.overlap = np.zeros(HOP)

    def run(self, spectra: np.ndarray) -> np.ndarray:
        """Hops completed by each spectrum: the first half of its window plus the last overlap.

        spectra: (L, 481) complex.  Returns (L, 480); row l belongs to the hop before frame l's own.
        """
        assert spectra.shape[1] == N_BINS
        frames = np.fft.irfft(spectra, WINDOW, axis=1) * self.window
        overlaps = np.concatenate([self.overlap[None], frames[:-1, HOP:]])
        self.overlap = frames[-1, HOP:].copy()
        return frames[:, :HOP] + overlaps
