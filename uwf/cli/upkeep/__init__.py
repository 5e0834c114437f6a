"""The commands that care for a home: its health, alerts, promises, figures and log; its store as a whole."""
