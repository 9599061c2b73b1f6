"""Training by methods of `minimize`, each iteration over all rows."""
