"""Care for a home: its health, log, alerts, figures and promises; its backups, and the store as a whole."""
