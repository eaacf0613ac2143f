"""One module a stage: its formats, its tables and its integer twin."""
