"""What a person must know: found out, kept by cause, and brought to that person."""
