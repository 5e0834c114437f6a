"""The health of a home: detect, diagnose, repair, verify. A check is a class in a file here and a line in `table`."""
