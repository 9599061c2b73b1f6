"""The contestants, a module each. A module has `CASES`, case -> variant -> class, and `versions()`.

The class takes the problem. `checked()` does the checked steps from the case's start and returns what the oracle
returns; `run()` then does `steps_per_run` steps more, and is what is timed. A class with a `measure(seconds, repeats)`
of its own gives the samples itself, where only a part of what it does counts. NotImplementedError from the constructor
says that the library has no such thing, and so takes no part in the problem. `facts`, name -> number, are what else is
to be known of a contestant once it was checked; they become columns.
"""
