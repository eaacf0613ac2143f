"""Training: recordings -> bank -> plans -> mixtures -> targets -> store -> networks -> weights."""

import reference.interrupt  # noqa: F401
