"""First ring of every stage within its stated limits."""

import pytest

from codegen import first_ring

SPEECH = "speech"


@pytest.fixture(scope="module")
def table():
    return first_ring.measure("small")


@pytest.mark.parametrize("signal", first_ring.ROWS)
def test_stage_is_within_its_limits(table, signal):
    """Limits and reasons: ROWS in codegen/first_ring.py."""
    _, unit, least_snr, most_error = first_ring.ROWS[signal]
    assert table[signal][SPEECH][0] >= least_snr
    worst = {sound: error for sound, (_, error) in table[signal].items()}
    assert max(worst.values()) <= most_error, f"{worst} {unit}"


def test_periods_are_those_of_the_float_tracker(table):
    """On voiced sound; in noise and near-silence many lags are as good as another."""
    shares = table[first_ring.PERIODS]
    assert shares[SPEECH] > 0.95 and shares["tones"] > 0.95


def test_fft_is_better_than_90_db_from_60_dbfs_down_to_full_scale():
    levels = first_ring.fft_levels()
    assert min(levels) == -60 and max(levels) == 0
    assert min(levels.values()) > 90, levels


def test_what_is_kept_is_what_was_measured(table, monkeypatch):
    """Rows of every signal, to six digits; the stored one is that of the present weights."""
    monkeypatch.setattr(first_ring, "measure", lambda model: table)
    monkeypatch.setattr(first_ring, "fft_levels", lambda: {-60: 96.81234567})
    found = first_ring.result("small")
    assert [row["signal"] for row in found["rows"]] == list(first_ring.ROWS)
    assert found["rows"][0]["sounds"][SPEECH] == pytest.approx(table["centred"][SPEECH], rel=1e-5)
    assert found["fft"] == {"-60": 96.8123} and found["periods"][SPEECH] <= 1
