"""What happens while nobody watches: events and where they come from, schedules, and the daemon that leads."""
