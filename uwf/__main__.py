"""`python -m uwf`: the same as the command `uwf`."""

from uwf.cli.main import leave

if __name__ == "__main__":
    leave()
