"""The store in one SQLite file, or in memory. `store` is where to begin."""

from uwf.store.sqlite.store import SqliteStore, open_in_memory, open_store

__all__ = ["SqliteStore", "open_in_memory", "open_store"]
