"""The store in a PostgreSQL that many machines share. `store` is where to begin."""

from uwf.store.postgres.schema import Migrated, migrate
from uwf.store.postgres.store import PostgresStore, open_store

__all__ = ["Migrated", "PostgresStore", "migrate", "open_store"]
