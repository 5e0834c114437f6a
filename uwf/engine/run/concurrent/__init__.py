"""Commands that meet a thread which runs: they join its run, or ask something of it."""
