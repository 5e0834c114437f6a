"""Workflows: the file format, its checks, and the pure question "who is next?"."""
