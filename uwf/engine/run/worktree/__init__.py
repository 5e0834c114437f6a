"""The worktree of a thread in a run: there before its step, kept after it, and brought from and to other machines."""
