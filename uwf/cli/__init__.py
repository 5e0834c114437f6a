"""The command line: one file per command group, in rooms as in `app`, and the small framework they stand on.

Read `command.py` (how a command is declared), then `main.py` (how one is run).
"""
