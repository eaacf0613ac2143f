"""Settings of the suppressor as options of the command."""

from reference.suppressor import EVERY_STAGE as EVERY
from reference.suppressor import Options


def arguments(options: Options, postfilter: bool = True) -> tuple[str, ...]:
    """Command-line options that set these; what is off by default is named only when it is on.

    postfilter: False for a build that has none.
    """
    found = ("-a", f"{options.attenuation_limit_db}")
    if postfilter:
        found += ("--postfilter" if options.postfilter else "--no-postfilter",
                  "--pf-beta", f"{options.postfilter_beta_permille / 1000:g}")  # fmt: skip
    found += ("--decay-floor",) if options.decay_floor else ()
    return found + (("--highpass",) if options.highpass else ())


EVERY_STAGE = arguments(EVERY)
"""No stage left out."""
