"""What a person sets up: agents, workflows, settings, and the switches of the guards."""
