"""Worktrees of git, by subprocess alone: nothing here knows of threads, stores or agents.

git          one call of git: its environment, its errors
repository   what a folder is part of, branches, who has them checked out
tree         a worktree: made whole or made again, removed
snapshot     the files of a worktree as a commit, and back
merging      two commits into one, and a branch that moves on
commands     what a person has set to run in a worktree
ports, sizes what a worktree takes of the machine
"""
