"""The commands of ``gradstep`` and ``python -m gradstep``: a file each, with `add_arguments` and `run`.

What a command needs is loaded when it runs, so that ``--version`` and ``--help`` stay quick.
"""
