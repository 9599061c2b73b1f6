"""Texts as arrays of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..checks import brief, check_int, describe
from ..described import Described, serialize
from ..naming import name_for
from .lookups import StringLookup

__all__ = ["TextVectorization"]

PUNCTUATION = re.compile(r"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']")
STANDARD: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "strip_punctuation": lambda text: PUNCTUATION.sub("", text),
    "lower_and_strip_punctuation": lambda text: PUNCTUATION.sub("", text.lower()),
}
SPLIT: dict[str, Callable[[str], list[str]]] = {"whitespace": str.split, "character": list}


class TextVectorization(Described):
    """Map texts to arrays of integers, or to rows of counts, by a vocabulary that is given or learned.

    It stands before a model, not in it: a model's data are numbers.

    Parameters
    ----------
    max_tokens : int, optional
        Size of the vocabulary at most, with the special tokens.
    standardize : {"lower_and_strip_punctuation", "lower", "strip_punctuation"}, function of str, or None
        What is done to a text first; by default small letters without punctuation.
    split : {"whitespace", "character"}, function of str, or None; default "whitespace"
        How it becomes tokens; None: it is one.
    ngrams : int or tuple of int, optional
        Takes n tokens in a row as one too, for each n up to it, or in it.
    output_mode : {"int", "multi_hot", "count", "tf_idf"}, default "int"
        As in `StringLookup`.
    output_sequence_length : int, optional
        To which length numbers are padded with 0 or cut, with output_mode "int"; by default that of the longest text.
    pad_to_max_tokens : bool, default False
        Whether rows have `max_tokens` numbers, with the other modes.
    vocabulary : list of str, or path, optional
        Without, call `adapt`.
    idf_weights : array_like, optional
        Of a given vocabulary, for "tf_idf".
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong type, or one that does not fit another.

    Notes
    -----
    With output_mode "int" number 0 is padding and 1 a word that is not known, as in Keras.

    Examples
    --------
    >>> import gradstep as gs
    >>> vectorize = gs.layers.TextVectorization(output_sequence_length=4)
    >>> vectorize.adapt(["The cat sat.", "The cat, the dog!"])
    >>> vectorize(["A dog sat", "the"])
    array([[1, 5, 4, 0],
           [2, 0, 0, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[str], str] | None = "lower_and_strip_punctuation",
        split: str | Callable[[str], Sequence[str]] | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        name: str | None = None,
    ) -> None:
        for what, value, known in (("standardize", standardize, STANDARD), ("split", split, SPLIT)):
            if value is not None and not callable(value) and (not isinstance(value, str) or value not in known):
                raise ValueError(f"{what} must be one of {', '.join(known)}, a function, or None; got {brief(value)}.")
        if output_sequence_length is not None and output_mode != "int":
            raise ValueError("output_sequence_length is for output_mode='int'.")
        self.standardize, self.split = standardize, split
        self.ngrams, self._sizes = ngrams, _ngram_sizes(ngrams)
        self.output_sequence_length = (
            None if output_sequence_length is None else check_int("output_sequence_length", output_sequence_length, 1)
        )
        self.name = name_for(self, name)
        self._lookup = StringLookup(
            max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            name=f"{self.name}_lookup",
        )
        self.output_mode, self.max_tokens = self._lookup.output_mode, self._lookup.max_tokens
        self.pad_to_max_tokens = self._lookup.pad_to_max_tokens

    def __repr__(self) -> str:
        return f"<TextVectorization {self.name} of {self.vocabulary_size()} tokens>"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, with what it has learned."""
        config = {name: serialize(getattr(self, name), name) for name in ("standardize", "split", "ngrams")}
        own = {name: getattr(self, name) for name in ("output_sequence_length", "name")}
        shared = self._lookup.get_config()
        names = ("max_tokens", "output_mode", "pad_to_max_tokens", "vocabulary", "idf_weights")
        return {**config, **own, **{name: shared[name] for name in names}}

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from texts, the most frequent tokens first.

        Parameters
        ----------
        data : array_like of str, or iterable of such
            Texts, one a row; or what gives batches of them.
        batch_size, steps : int, optional
            As in `StringLookup.adapt`.

        Raises
        ------
        TypeError, ValueError
            Something else than texts; the vocabulary is then as it was.
        """
        is_text = isinstance(data, (str, list, tuple, np.ndarray))
        self._lookup.adapt(
            self._split(data) if is_text else (self._split(batch) for batch in _batches(data)), batch_size, steps
        )

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their numbers, with padding and unknown words in front unless told otherwise."""
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many numbers there are, with those of padding and unknown words."""
        return self._lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary, as `StringLookup.set_vocabulary`."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    def __call__(self, x: Any) -> np.ndarray:
        """The numbers of texts.

        Parameters
        ----------
        x : array_like of str, shape (rows,) or (rows, 1); or one str

        Returns
        -------
        ndarray, shape (rows, length) of int64, or (rows, vocabulary) of `config.floatx()`; without rows for one str
            With ``split=None`` and output_mode "int" (rows,).

        Raises
        ------
        TypeError
            Something else than texts.
        ValueError
            There is no vocabulary.
        """
        rows = self._split(x)
        length = self.output_sequence_length or max(map(len, rows), default=0)
        padded = np.full((len(rows), length), "", object)
        for i, tokens in enumerate(rows):
            kept = tokens[:length]
            padded[i, : len(kept)] = kept
        found = self._lookup(padded)
        if self.split is None and self.output_mode == "int" and length == 1:
            found = found[:, 0]  # a text is a token
        return found[0] if isinstance(x, (str, bytes)) else found

    def _split(self, texts: Any) -> list[list[str]]:
        """The tokens of each text."""
        given = np.asarray(texts, object)
        if given.ndim == 2 and given.shape[1] == 1:
            given = given[:, 0]
        if given.ndim > 1:
            raise ValueError(f"texts must be of shape (rows,) or (rows, 1); got {given.shape}.")
        return [self._tokens_of(text) for text in np.atleast_1d(given).tolist()]

    def _tokens_of(self, text: Any) -> list[str]:
        if isinstance(text, bytes):
            text = text.decode()
        if not isinstance(text, str):
            raise TypeError(f"texts must be str; got {describe(text)}.")
        if self.standardize is not None:
            text = (STANDARD[self.standardize] if isinstance(self.standardize, str) else self.standardize)(text)
        if self.split is None:
            tokens = [text]
        else:
            tokens = list((SPLIT[self.split] if isinstance(self.split, str) else self.split)(text))
        if self._sizes is None:
            return tokens
        return [" ".join(tokens[i : i + n]) for n in self._sizes for i in range(len(tokens) - n + 1)]


def _ngram_sizes(ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if isinstance(ngrams, (tuple, list)):
        return tuple(check_int(f"ngrams[{i}]", n, 1) for i, n in enumerate(ngrams))
    return tuple(range(1, check_int("ngrams", ngrams, 1) + 1))


def _batches(data: Any) -> Iterable[Any]:
    """What gives batches of texts, or of texts with labels."""
    if not isinstance(data, Iterable):
        raise TypeError(f"data must be texts, or give batches of them; got {describe(data)}.")
    return (batch[0] if isinstance(batch, tuple) else batch for batch in data)
