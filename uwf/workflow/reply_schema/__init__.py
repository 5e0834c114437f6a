"""What a role may reply: the JSON Schema of its front matter, read, checked against and shown by example."""
