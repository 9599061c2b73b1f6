"""What every optimizer is: settings, state, steps of arrays and of models, groups, wrappers, copies."""
