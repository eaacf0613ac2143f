"""codegen/drift.py: the states of the two networks stay together, and drift would be noticed."""

import numpy as np

from codegen import drift
from codegen.stages.dnn import Dnn


def test_states_stay_together():
    """Twenty seconds without a reset; the hour is `python -m codegen.drift`."""
    differences = drift.follow("small", 2000, drift.segments("small", 1))
    _, problems = drift.verdict(differences)
    assert not problems, problems
    assert differences[100:, 0].min() > 0, "the integer network is not the float one"


def test_a_leak_in_the_states_is_noticed(monkeypatch):
    """A state that loses one part in a hundred a call parts from the float one."""
    run = Dnn.run

    def leaking(self, features_q12):
        for name, state in self.state_q15.items():
            self.state_q15[name] = state * 99 // 100
        return run(self, features_q12)

    pieces = drift.segments("small", 0.5)
    before = drift.follow("small", 200, pieces)
    monkeypatch.setattr(Dnn, "run", leaking)
    after = drift.follow("small", 200, pieces)
    assert np.mean(after[50:, 0]) > 2 * np.mean(before[50:, 0])


def test_growth_is_called_drift():
    steady = np.full((1200, 2), 0.01)
    assert drift.verdict(steady)[1] == []
    growing = steady * np.linspace(0, 2, 1200)[:, None]
    (words,) = drift.verdict(growing)[1]
    assert words.endswith("drift")
    assert "is allowed" in drift.verdict(steady * 4)[1][0]
