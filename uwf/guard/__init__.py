"""What may say "not now": today the thread lock."""
