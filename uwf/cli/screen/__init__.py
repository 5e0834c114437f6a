"""What is drawn on a terminal, or printed where there is none."""
