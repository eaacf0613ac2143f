"""Quality evaluation: test sets, metrics, scores and the report. Reads files, runs no codec."""

import reference.interrupt  # noqa: F401
