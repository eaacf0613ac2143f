"""PercepNet in float: one stage a file, reads like the paper. Start at suppressor.py."""

import reference.interrupt  # noqa: F401
