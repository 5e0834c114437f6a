"""The loop itself and what it rests on: what a part is, how often it may fail, what wakes it, what is set aside."""
