"""What all processes of a home do, line by line: written in `writer`, searched in `search`."""
