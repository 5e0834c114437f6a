"""What was left, taken up: by a dead run, and a reply that has come while the store was away or full."""
