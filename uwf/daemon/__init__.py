"""The daemon of a home: one loop that runs whoever is due, and how events come in. A front door
beside the command line.

    loop.py        one pass of all parts after the other, and the sleep between them
    parts.py       the parts, in their order: take in, decide, schedules, run, reap, tend

It has no truth of its own: what threads are told and when they wake stands in the store. Kill it, start it, run two:
nothing is lost, and nothing happens twice.
"""
