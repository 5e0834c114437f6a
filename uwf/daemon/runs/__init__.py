"""Runs of threads as child processes: who is begun, who has ended, and patience with those that end oddly."""
