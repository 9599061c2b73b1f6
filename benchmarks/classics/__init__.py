"""Functions that minimizers have been compared on since 1981."""
