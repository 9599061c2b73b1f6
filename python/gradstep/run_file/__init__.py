"""A training run in one TOML file, for ``gradstep train run.toml``, ``evaluate`` and ``predict``.

`lines` knows where keys stand, `section` reads values and names the line of an error, `source` reads CSV and npy files,
`preparation` makes rows for a model of them, `building` makes layers and callbacks, and `running` trains.
"""
