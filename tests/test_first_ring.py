"""First ring of every stage within its stated limits, and docs/quantisation.md current."""

import pytest

from codegen import document, first_ring

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


def test_page_is_current():
    """After a change of the plan or the weights: python -m codegen.document"""
    text = document.PAGE.read_text()
    for name, part in document.parts().items():
        assert part in text, f"{name} is not current; run python -m codegen.document"
    measured = text.split("<!-- begin measured -->")[1].split("<!-- end -->")[0]
    for signal in first_ring.ROWS:
        assert f"| {signal} |" in measured, "run python -m codegen.document"
