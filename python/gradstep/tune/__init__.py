"""Learning rates found, settings searched, models validated in folds."""
