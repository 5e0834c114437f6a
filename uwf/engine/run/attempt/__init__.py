"""One attempt, in parts: `step` begins and ends it, these are what it does in between."""
