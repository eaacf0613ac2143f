"""Quality evaluation: test sets, metrics, scores and the report. Reads files, runs no codec."""
