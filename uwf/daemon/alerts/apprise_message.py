"""A program: sends what comes on its stdin by Apprise to the address in the environment variable that it is given.

An address holds a password more often than not, so the config names the variable and never the address.
"""

from __future__ import annotations

import sys

from uwf import config
from uwf.daemon.alerts.delivery import SUBJECT


def main() -> int:
    try:
        import apprise
    except ImportError:
        print("Apprise is not installed: pip install 'uwf[alerts]'", file=sys.stderr)
        return 1
    environ, name = config.environment(), sys.argv[1]
    address, sender = environ.get(name), apprise.Apprise()
    if not address:
        print(f"the environment variable {name} is not set", file=sys.stderr)
        return 1
    if not sender.add(address):
        print(f"what {name} holds is no address that Apprise knows", file=sys.stderr)
        return 1
    if not sender.notify(title=environ.get(SUBJECT, "uwf"), body=sys.stdin.read()):
        print("Apprise could not deliver it there", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
