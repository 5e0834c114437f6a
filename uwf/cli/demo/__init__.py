"""`uwf demo`."""
