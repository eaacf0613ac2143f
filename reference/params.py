"""Every constant of the algorithm, with unit and source.

Sources: P20 = Valin et al., "A Perceptually-Motivated Approach for Low-Complexity, Real-Time
Enhancement of Fullband Speech", Interspeech 2020.  RNN = the RNNoise 0.2 source, same author.
"measured" = chosen by experiment where the paper is silent.

Symbols used everywhere: frame l, band b, pitch period T (samples at 48 kHz), gain g_b, strength
r_b, noisy spectrum Y, clean spectrum X, comb-filtered spectrum P, mixed spectrum Z.
"""

import numpy as np

# --- framing (P20 section 2) ---------------------------------------------------------------
RATE = 48_000  # samples per second
HOP = 480  # samples: one frame every 10 ms
WINDOW = 960  # samples: 20 ms, 50 % overlap
N_BINS = WINDOW // 2 + 1  # 481 bins of 50 Hz
ACTIVE_BINS = 400  # bins below 20 kHz; the rest is set to zero
LOOKAHEAD_FRAMES = 2  # frames known beyond the one being processed (AEC21 uses 2, P20 uses 3)
DELAY = (LOOKAHEAD_FRAMES + 1) * HOP  # samples from a hop going in to the same hop coming out

# --- bands (P20 section 2.1; points from RNN) -----------------------------------------------
# Peaks of the triangular bands, in bins of 50 Hz. ERB-spaced, at least two bins wide.
BAND_PEAKS = np.array(
    [0, 2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 28, 32, 36, 41, 47, 53, 60, 68, 77, 87, 98, 110, 124,
     140, 157, 176, 198, 223, 251, 282, 317, 356, 400]
)  # fmt: skip
N_BANDS = len(BAND_PEAKS)  # 34

# --- pitch (P20 section 4 in one sentence; details measured) --------------------------------
PITCH_DECIMATION = 4  # 48 kHz -> 12 kHz
PITCH_HOP = HOP // PITCH_DECIMATION  # 120 samples
PITCH_WINDOW = WINDOW // PITCH_DECIMATION  # 240 samples: what the prediction sees
PITCH_FIR_TAPS = 48  # anti-alias filter, at 48 kHz
PITCH_FIR_CUTOFF = 4_500.0  # Hz, -6 dB
LAG_MIN, LAG_MAX = 15, 200  # 12-kHz samples: 800 Hz ... 60 Hz
N_LAGS = LAG_MAX - LAG_MIN + 1  # 186
CORRELATION_WINDOW = 180  # samples, 15 ms; longer windows blur glides
CORRELATION_LAG_MAX = 400  # samples: how far back multiples of T are looked for
PERIOD_WEIGHTS = (1.0, 0.6, 0.6)  # of the correlation at T, 2T, 3T: noise repeats at T by chance
LPC_ORDER = 4  # light whitening: strong whitening lifts the bands where noise wins
LPC_NOISE = 3e-3  # white-noise correction of r(0), as a fraction
WHITENING_SMOOTHER = 0.75  # one-pole low-pass after the whitening (LPCNet)
SLOPE_LIMIT = 0.08  # largest change of T from frame to frame, relative
SLOPE_COST = 12.0  # times (relative change)^2: 0.0012 per (per cent)^2
RESTART_COST = 0.9  # leaving the track for any other lag
LONG_LAG_BIAS = 0.02  # per octave above LAG_MIN, against sub-harmonics
GUARD_FACTOR = 0.8  # what a lag counts that is not better than T/2 and T/3
PITCH_ENERGY_FLOOR = 1e-6  # added to the energies of the normalised correlation, sample^2
T_MIN, T_MAX = LAG_MIN * PITCH_DECIMATION, LAG_MAX * PITCH_DECIMATION  # 60 ... 800 samples

# --- comb filter (P20 section 3.1) ----------------------------------------------------------
COMB_PERIODS = 5  # periods on each side
COMB_HANN = (1 + np.cos(np.pi * np.arange(-5, 6) / 6)) / 12  # w_k, sum 1, zeros at +-6
COMB_FUTURE = LOOKAHEAD_FRAMES * HOP  # samples known beyond the end of the window of frame l
COMB_PAST = COMB_PERIODS * T_MAX  # samples needed before the start of the window

# --- features (P20 section 4; scaling chosen so that all lie in about +-3) -------------------
N_FEATURES = 2 * N_BANDS + 2  # 70
ENERGY_FLOOR = 1e-6  # band energy, full scale = 1: about -109 dBFS for a sine
LOG_ENERGY_OFFSET, LOG_ENERGY_SCALE = 2.0, 0.5  # (log10(E) + 2) / 2
PERIOD_OFFSET, PERIOD_SCALE = 300.0, 1 / 200.0  # (T - 300) / 200
COHERENCE_OFFSET, COHERENCE_SCALE = 0.5, 2.0  # 2 q - 1, same for the pitch correlation

# --- gains ------------------------------------------------------------------------------------
BAND_GAIN_LIMIT = 1.99  # largest band gain after the postfilter: only a small beta gets there
SCALE_LIMIT = 2.0  # largest ||y_b|| / ||z_b|| when bands are scaled back (6 dB)

# --- envelope postfilter, decay floor (P20 section 5) ------------------------------------------
POSTFILTER_BETA = 0.02  # limits the frame gain G to 5.57 dB
DECAY_FLOOR = 10 ** (-60 * 0.010 / 0.100 / 20)  # amplitude per frame: 60 dB in 100 ms = 0.501

# --- attenuation limit (idea: DeepFilterNet's --atten-lim) --------------------------------------
ATTENUATION_NO_LIMIT = 100  # dB: the setting that means no limit

# --- high-pass (idea: P20 section 5; shape after the Opus/SILK paper) -------------------------
HIGHPASS_MIN, HIGHPASS_MAX = 60.0, 100.0  # Hz: range of the cutoff
HIGHPASS_SMOOTHING = 0.02  # per frame, times the pitch correlation; 3 times faster downwards
HIGHPASS_DOWN = 3.0
HIGHPASS_VOICED = 0.5  # pitch correlation above which the frame steers the cutoff

# --- DC blocker ------------------------------------------------------------------------------
DCBLOCK_SHIFT = 10  # pole at 1 - 2^-10: -3 dB at 48000 / (2 pi 1024) = 7.5 Hz
