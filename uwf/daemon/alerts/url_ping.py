"""A program: fetches the address in the environment variable `URL`, so that somebody elsewhere knows we live.

A program, since its time limit then holds for all of it: a name that does not resolve, a server that answers a byte at
a time.
"""

from __future__ import annotations

import sys

from uwf import config
from uwf.daemon.alerts.delivery import URL


def main() -> int:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        urlopen(config.environment().get(URL, "")).close()
    except (OSError, URLError, HTTPException, ValueError) as error:
        print(f"it cannot be reached: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
