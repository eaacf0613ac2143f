"""What is written from results: tables of README.md, of docs/ and of the model cards, and sound.

`make publish` (python -m pages) writes every part that stands between `<!-- begin NAME -->` and
`<!-- end -->` from eval/baseline, the weights and the plan; the rest is written by hand.
"""

import reference.interrupt  # noqa: F401
