"""The hard cases of eval/weaknesses.py: a table in every card, and what settings change."""

from eval.baseline import read
from eval.tables import DIGITS
from eval.weaknesses import SETTINGS
from pages.scores import DEFAULT
from reference.dnn import weights_hash
from reference.markdown import table


def figure(row: dict | None, measure: str) -> str | None:
    """A cell; None where there is no figure."""
    value = (row or {}).get(measure)
    return None if value is None else f"{value:.{min(DIGITS[measure], 2)}f}"


def by_case(model: str) -> dict[str, dict[str, dict]]:
    """{title of a case: {system: row}} as stored; {} if they were not measured."""
    found: dict[str, dict[str, dict]] = {}
    for row in (read("studies", f"weaknesses-{model}") or {"rows": []})["rows"]:
        found.setdefault(row["title"], {})[row["system"]] = row
    return found


def cases(model: str) -> str:
    """What the defaults make of every case."""
    content, found = read("studies", f"weaknesses-{model}"), by_case(model)
    if not content:
        return f"Not measured yet: `make weaknesses model={model}`.\n"
    old = "" if content["weights"] == weights_hash(model) else " Of the weights before these."
    lines = [[title, *(figure(rows[system], m) for m in ("pesq_wb", "si_sdr")
                       for system in ("noisy", "twin")), figure(rows["twin"], "speech_loss"),
              f"[before](/docs/audio/weak/{rows['twin']['case']}.mp3)"]
             for title, rows in found.items()]  # fmt: skip
    head = ["case", "PESQ-WB in", "out", "SI-SDR dB in", "out", "lost dB", "to hear"]
    return (
        f"`make weaknesses model={model}`: one clip a case, synthetic (`eval/weaknesses.py`), and "
        f"what the model makes of it in\n`build/heard/{model}`; `make demo` plays any sound in a "
        "browser. Lost: by how much what is wanted became weaker,\nbe it voices, music or song."
        f"{old}\n\n{table(head, lines)}"
    )


def settings() -> str:
    """What settings change for the default model; its head names the weights that were measured."""
    content = read("studies", f"weaknesses-{DEFAULT}")
    words = [*SETTINGS.values()]
    head = [f"case, `{DEFAULT}-{content['weights'][:12]}`", f"lost dB, {words[0]}", *words[1:],
            "PESQ-WB, in", *words]  # fmt: skip
    return table(head, [[title, *(figure(rows.get(s), "speech_loss") for s in SETTINGS),
                         *(figure(rows.get(s), "pesq_wb") for s in ("noisy", *SETTINGS))]
                        for title, rows in by_case(DEFAULT).items()])  # fmt: skip
