"""What a client may call."""
