"""Where a thread may go next: what each command makes of its position, also under another workflow."""
