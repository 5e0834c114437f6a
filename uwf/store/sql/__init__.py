"""What stores in SQLite and in PostgreSQL have in common: statements that both understand, and all around them.

`database` says what a connection has to offer; where the two languages differ, it has the words.
"""
