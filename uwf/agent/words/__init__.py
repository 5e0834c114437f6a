"""What clients write of errors and of times, as it is found in text."""
