"""Looking at threads: only reads. The inside of one is in `steps`, what is asked of a whole home in `home`."""
