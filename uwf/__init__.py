"""uwf: a thread orchestrator over content-addressed storage."""

__version__ = "0.1.0"
