"""A day and a night in minutes: the real loop and the real store on a clock that is moved.

clock.py     the time of the world, in a file: a process that is killed leaves it for the next
load.py      what happens from outside: a list, made from a seed before the world begins
crew.py      the agents, as a kind of their own: they fail in waves, ask, and cost nothing
world.py     one process of the world: a daemon, and the load brought to it as its time comes
verdict.py   what is left of it: what was lost, doubled, late
"""
