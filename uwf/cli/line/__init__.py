"""What was typed: parsed, completed, explained."""
