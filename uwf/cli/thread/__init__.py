"""The commands on threads, and how they are run: one, or several at a time."""
