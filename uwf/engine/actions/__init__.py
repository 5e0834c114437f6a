"""What a person does to a thread, beside running it."""
