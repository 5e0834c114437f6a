"""Looking at threads: only reads."""
