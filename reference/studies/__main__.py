"""python -m reference.studies"""

from reference.studies.run import main

if __name__ == "__main__":
    main()
