"""One step, read top to bottom: `runner` begins.

`attempt` is what one attempt does, `planning` where a thread may go, `concurrent` what other commands make of a run.
"""
