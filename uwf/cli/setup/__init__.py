"""The commands by which a home is set up: agents, workflows, settings, limits; and `uwf setup`, which does it all."""
