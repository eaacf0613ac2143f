"""Command line of the baseline."""

import sys

from eval.baseline import main

sys.exit(main())
