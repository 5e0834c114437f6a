"""What recurs, and what came of each time: claimed before anything starts, and followed to its end."""
