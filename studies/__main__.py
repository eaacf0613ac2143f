"""python -m studies"""


import sys

from studies.run import main

if __name__ == "__main__":
    sys.exit(main())
