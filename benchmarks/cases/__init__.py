"""What is measured: inputs, a float64 oracle, and the units of a result. Children and parent both read it from here."""
