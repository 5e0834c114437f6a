"""Running one program under supervision."""
