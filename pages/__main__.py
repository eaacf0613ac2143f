"""`make publish`: every generated part of every page, anew."""

import sys

from pages.publish import main

sys.exit(main())
