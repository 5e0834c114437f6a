"""The daemon of a home: one loop that runs whoever is due, and how events come in from outside."""
