"""What the home needs from day to day: its health, backups, collections and figures."""
