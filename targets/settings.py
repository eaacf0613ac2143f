"""Settings of the suppressor as options of the command."""

from reference.suppressor import EVERY_STAGE as EVERY
from reference.suppressor import Options


def arguments(options: Options) -> tuple[str, ...]:
    """Command-line options that set these; what is off by default is named only when it is on."""
    found = ("--postfilter" if options.postfilter else "--no-postfilter",
             "--pf-beta", f"{options.postfilter_beta_permille / 1000:g}",
             "-a", f"{options.attenuation_limit_db}")  # fmt: skip
    found += ("--decay-floor",) if options.decay_floor else ()
    return found + (("--highpass",) if options.highpass else ())


EVERY_STAGE = arguments(EVERY)
"""No stage left out."""
