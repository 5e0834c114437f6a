"""What the machine has room for: slots, the queue for them, and whether it can bear another agent."""
