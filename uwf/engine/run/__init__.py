"""One step, read top to bottom: `runner` begins."""
