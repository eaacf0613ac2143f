"""Studies of the method with ideal values: what each step, and each decision, is worth.

    python -m studies ladder --set build/sets/X
    python -m studies decisions --set build/sets/X
    python -m studies.pitch --set build/sets/X

and of a network: what its parts are worth, what it does with inputs at the edge.

    python -m studies parts --set build/sets/X --model small
    python -m studies trials --set build/sets/X --model small

Which of several weights to ship:

    python -m studies.judge A.safetensors B.safetensors --sets build/sets/X build/sets/Y

The others leave BUILD/studies/<study>[-<model>]-X.json; `make baseline` keeps it, `make publish`
writes it into the pages. Sound of every step is in BUILD/<study>/out/<step>/X/.
"""

import reference.interrupt  # noqa: F401
