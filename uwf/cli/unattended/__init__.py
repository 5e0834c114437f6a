"""The commands for what happens while nobody watches: the daemon, events and their triggers, sources, schedules."""
