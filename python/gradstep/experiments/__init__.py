"""The tables of introductory articles as experiments: ``python -m gradstep experiments`` (extra `demo`).

Each experiment is a file: what is commonly said, a run over seeds on real data, sentences that follow from the numbers,
and a picture. `registry` lists them, `command` runs them, `result` is what a run leaves behind.
"""
