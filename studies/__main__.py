"""python -m studies"""

from studies.run import main

if __name__ == "__main__":
    main()
