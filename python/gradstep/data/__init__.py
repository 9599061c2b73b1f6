"""Data as users have it, checked and brought into rows and batches that a network reads."""
