"""How numbers, times, states and ids look to a person, the same at every front door. Nothing is read or printed."""
