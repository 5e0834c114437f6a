"""What the store knows of sources that are asked for events: where each stands, and whom it is asked for."""
