"""`python -m uwf`: the same as the command `uwf`."""

import sys

from uwf.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
