"""Options of the command as settings of the library, for what stands in for it (wasm, boards)."""

NUMBERS = {"--pf-beta": ("postfilter_beta_permille", 1000), "-a": ("attenuation_limit_db", 1)}
"""Options with a value, as the command has them: setting and steps in a unit."""


def take(options: list[str]) -> tuple[list[tuple[str, int]], str | None]:
    """([(setting, value)], file of --taps or None) of the options, all used up."""
    settings, taps = [], None
    while options:
        option = options.pop(0)
        if option == "--taps":
            taps = options.pop(0)
        elif option in NUMBERS:
            name, steps = NUMBERS[option]
            settings.append((name, round(float(options.pop(0)) * steps)))
        else:
            value = int(not option.startswith("--no-"))
            name = option.removeprefix("--" if value else "--no-").replace("-", "_")
            settings.append((name, value))
    return settings, taps
