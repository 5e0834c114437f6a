"""What may say "not now" to a step: policy only. `chain` asks, `contract` says what a guard is.

`capacity` is slots, the queue for them and the machine; `spending` is budgets.
"""
