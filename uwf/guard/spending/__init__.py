"""What agents use: the budgets of threads and of a day, what is reserved of them, and what cannot be seen."""
