"""Strings and integers as numbers of a vocabulary."""

from __future__ import annotations

from typing import Any

from ..checks import check_int, describe
from .vocabulary import Lookup

__all__ = ["IntegerLookup", "StringLookup"]


class StringLookup(Lookup):
    """Map strings to integers, by a vocabulary that is given or learned.

    It stands before a model, not in it: a model's data are numbers.

    Parameters
    ----------
    max_tokens : int, optional
        Size of the vocabulary at most, with the special tokens.
    num_oov_indices : int, default 1
        How many numbers there are for tokens that are not known ("out of vocabulary"); those are spread over several
        by a hash. 0: such a token is an error.
    mask_token : str, optional
        The token of number 0 with output_mode "int", which an `Embedding` masks; with others it is left out.
    oov_token : str, default "[UNK]"
        What `invert` gives for a number of no known token.
    vocabulary : list of str, or path, optional
        Tokens, or a text file of one a line. Without, call `adapt`.
    idf_weights : array_like, optional
        Inverse document frequencies of a given vocabulary, for output_mode "tf_idf".
    invert : bool, default False
        Whether to map numbers to strings.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}, default "int"
        Numbers; a row of 0 and 1 for each token, or for all tokens of a sample; how often each comes; the same times
        its inverse document frequency, ln(1 + documents / (1 + documents with the token)).
    pad_to_max_tokens : bool, default False
        Whether rows have `max_tokens` numbers, however many tokens were learned.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or one that does not fit another.

    Notes
    -----
    The numbers are Keras's, but for several OOV indices, where the hash is another one.

    Examples
    --------
    >>> import gradstep as gs
    >>> lookup = gs.layers.StringLookup()
    >>> lookup.adapt(["red", "blue", "red"])
    >>> lookup.get_vocabulary(), lookup(["blue", "green", "red"])
    (['[UNK]', 'red', 'blue'], array([2, 0, 1]))
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            name,
        )

    def _token(self, value: Any, name: str) -> str:
        if isinstance(value, bytes):
            return value.decode()
        if not isinstance(value, str):
            raise TypeError(f"{name} must be str; got {describe(value)}.")
        return str(value)


class IntegerLookup(Lookup):
    """Map integers of any size to the numbers of a vocabulary that is given or learned.

    Parameters
    ----------
    max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, pad_to_max_tokens, name
        As in `StringLookup`, with tokens of int.
    mask_token : int, optional
    oov_token : int, default -1

    Raises
    ------
    TypeError, ValueError
        As `StringLookup` does.

    Examples
    --------
    >>> import gradstep as gs
    >>> gs.layers.IntegerLookup(vocabulary=[12, 36, 1138])([[36, 7], [12, 1138]])
    array([[2, 0],
           [1, 3]])
    """

    _what = "integers"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            name,
        )

    def _token(self, value: Any, name: str) -> int:
        return check_int(
            name, int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value, -(2**63)
        )
