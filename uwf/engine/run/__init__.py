"""One step, read top to bottom: `runner` begins.

`recovery` is what was left and is taken up first, `planning` where a thread may go, `worktree` where its agents work,
`attempt` what one attempt does, `concurrent` what other commands make of a run.
"""
