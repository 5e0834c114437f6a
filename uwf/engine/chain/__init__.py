"""What is stored of threads, and how it is read. Nothing is decided here."""
