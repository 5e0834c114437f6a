"""What happens, from wherever it comes: taken once, stored before it is acknowledged, and decided in one fixed order.

`event` is what it is, `taking` stores it, `matching` finds the triggers, `judging` is the order of decisions, and
`deciding` does what was decided: words and wakes for threads, or a new thread, in the transaction that notes the
decision.
"""
