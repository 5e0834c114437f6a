"""Workflows: the file format, its checks, and the pure question which role is next."""
