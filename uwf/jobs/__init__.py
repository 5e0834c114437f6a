"""Jobs: which threads are worth running, for the workers of many machines. Kept in PostgreSQL, by Procrastinate.

A job says that somebody should run a thread, and nothing else. Whether a run may publish is decided by the store alone:
a queue that was emptied, or put back from yesterday, loses nothing and does no harm.
"""
