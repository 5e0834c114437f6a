"""The inside of a thread: its steps, turns and failures, the path it took; as Markdown, as a drawing, compared."""
