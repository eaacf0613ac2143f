"""Log of a run: a row of log.csv at every check, the same for TensorBoard, one line to read.

`tensorboard --logdir RUN` shows the curves.
"""

import csv
from pathlib import Path

FIELDS = ["step", "frames", "seconds", "rate", "total", "square", "fourth", "strength", "voice",
          "error", "valid_square", "valid_fourth", "valid_strength", "valid_voice", "valid_error",
          "pesq_wb", "estoi", "frames_per_s"]  # fmt: skip
Row = dict[str, float]


class Log:
    """Writes the rows of one run; a resumed run goes on with its files."""

    def __init__(self, folder: Path):
        from torch.utils.tensorboard import SummaryWriter

        self.path = Path(folder) / "log.csv"
        self.board = SummaryWriter(str(folder))

    def write(self, row: Row) -> None:
        """Append one row; ``row`` has all FIELDS. Scores that were not taken are NaN."""
        new = not self.path.exists()
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS)
            if new:
                writer.writeheader()
            writer.writerow({key: f"{row[key]:.6g}" for key in FIELDS})
        for key in FIELDS[3:]:
            self.board.add_scalar(key, row[key], int(row["step"]))
        self.board.flush()


def read(folder: Path) -> list[Row]:
    """Rows of the log of a run."""
    with open(Path(folder) / "log.csv", newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def line(row: Row, minutes_left: float) -> str:
    """What is printed at a check."""
    return (
        f"step {row['step']:.0f}  frames {row['frames'] / 1e6:.2f} M  loss {row['total']:.3f}"
        f"  |dg| {row['error']:.4f}  valid square {row['valid_square']:.3f}"
        f"  |dg| {row['valid_error']:.4f}  PESQ-WB {row['pesq_wb']:.3f}  ESTOI {row['estoi']:.4f}"
        f"  {row['frames_per_s']:.0f} frames/s  {minutes_left:.0f} min left"
    )
