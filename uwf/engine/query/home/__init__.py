"""Of a whole home: what waits for a person, what is due, what happened, what it cost, whether promises were kept."""
