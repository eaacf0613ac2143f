"""Scores in a card: means over the right clips, in the right place, nothing else changed."""

import csv
import json

import pytest

from eval import card

ROWS = [
    ("noisy", "a", "0", "rain", 1.0), ("noisy", "b", "5", "dogs", 2.0),
    ("twin", "a", "0", "rain", 1.5), ("twin", "b", "5", "dogs", 2.1),
    ("host", "a", "0", "rain", 1.5), ("host", "b", "5", "dogs", 2.1),
    ("peer", "a", "0", "rain", 1.2), ("peer", "b", "5", "dogs", ""),
]  # fmt: skip


def write(path, rows):
    """A score table; a row without a score has an error."""
    path.parent.mkdir(parents=True)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("system", "clip", "snr", "noise", "pesq_wb", "error"))
        writer.writerows([*row, "" if row[4] != "" else "no utterance"] for row in rows)


@pytest.fixture
def build(tmp_path):
    """A build folder with the scores of one set; the peer failed at one clip."""
    write(tmp_path / "score" / "tiny.csv", ROWS)
    return tmp_path


def test_tables_hold_the_means(build):
    text = card.section(build, ["tiny"])
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()
             if line.startswith("|")]  # fmt: skip
    assert ["tiny", "all", "2", "noisy", "1.500", "–", "–", "–", "–"] in lines
    assert ["tiny", "all", "2", "twin", "1.800", "–", "–", "–", "–"] in lines
    assert ["tiny", "all", "2", "peer", "–", "–", "–", "–", "–"] in lines, "one clip failed"
    assert ["tiny", "0 dB", "1", "peer", "1.200", "–", "–", "–", "–"] in lines
    assert ["tiny", "dogs", "1", "2.000", "2.100", "–"] in lines  # the peer has no score there
    assert not any("host" in line for line in lines), "equals the twin"


def test_parts_are_told_in_words_and_only_where_they_were_made(build):
    assert "make parts" not in card.section(build, ["tiny"])
    rows = [("whole", "a", "0", "rain", 1.5), ("whole", "b", "5", "dogs", 2.1)]
    write(build / "parts" / "score" / "tiny.csv", rows)
    (build / "parts" / "steps.json").write_text(json.dumps({"whole": "as shipped"}))
    text = card.section(build, ["tiny"])
    assert "| tiny | as shipped | 1.800 | – | – | – |" in text and "make parts" in text


def test_only_the_scores_of_the_card_change():
    before = "# Model\ntext\n\n## Scores\nold\n\n## Known weaknesses\nnone\n"
    after = card.fill(before, "new\n")
    assert after == "# Model\ntext\n\n## Scores\nnew\n\n## Known weaknesses\nnone\n"
    with pytest.raises(ValueError):
        card.fill("# Model\n", "new\n")


def test_missing_scores_are_named(tmp_path):
    with pytest.raises(SystemExit, match="make score"):
        card.section(tmp_path, ["absent"])
