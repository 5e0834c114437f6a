"""Threads: what the verbs and queries of `App` are made of, their steps, worktrees and timers; `running` runs one."""
