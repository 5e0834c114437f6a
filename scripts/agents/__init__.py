"""What is said of real clients, each sentence as a function that tries it: `CLAIMS` of `codex` and of `acp`.

A function is given a fresh `Bench` and raises AssertionError where its docstring is false.
"""
