"""What turns words, categories and sequences into arrays of numbers before a model, in Python.

`gradstep.preprocessing.sequence.pad_sequences` is Keras's second name of `gradstep.utils.pad_sequences`.
"""

from typing import TYPE_CHECKING

from ..hints import missing
from . import sequence as sequence

if not TYPE_CHECKING:  # which is to know what there is
    __getattr__ = missing(__name__, ["sequence"], "name for preprocessing")
