"""Targets: compile the generated C, run it, compare it with the twin, count its instructions.

One `.toml` file a target. Nothing in here knows about audio quality or Q formats.
"""

import reference.interrupt  # noqa: F401
