"""What may say "not now" to a step: policy only. `chain` asks, `contract` says what a guard is."""
