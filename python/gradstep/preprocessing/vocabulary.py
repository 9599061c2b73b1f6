"""A vocabulary: which token has which number, and how tokens are counted to learn one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from math import log
from typing import Any

import numpy as np

from ..checks import check_bool, check_choice, check_int, describe, numeric
from ..described import Described
from ..naming import name_for
from .encoding import ENCODINGS, encoded

__all__ = ["Lookup"]

MODES = {**ENCODINGS, "tf_idf": "tf_idf"}


class Lookup(Described):
    """Base of layers that look tokens up. A subclass says what its tokens are."""

    _what = "strings"
    _passing = ()

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = None,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        name: str | None = None,
    ) -> None:
        self.num_oov_indices = check_int("num_oov_indices", num_oov_indices, 0)
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert = check_bool("invert", invert)
        self.output_mode = check_choice("output_mode", output_mode, MODES)
        self.pad_to_max_tokens = check_bool("pad_to_max_tokens", pad_to_max_tokens)
        least = self._first + 1
        self.max_tokens = None if max_tokens is None else check_int("max_tokens", max_tokens, least)
        if self.invert and (self.output_mode != "int" or self.num_oov_indices != 1):
            raise ValueError("invert=True takes output_mode='int' and num_oov_indices=1.")
        if self.pad_to_max_tokens and (self.max_tokens is None or self.output_mode == "int"):
            raise ValueError("pad_to_max_tokens takes max_tokens, and an output_mode other than 'int'.")
        self.name = name_for(self, name)
        self._tokens: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        self._idf = np.zeros(0)
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError("idf_weights need a vocabulary.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} of {self.vocabulary_size()} tokens>"

    # -- the vocabulary ------------------------------------------------------------------------------------------------

    @property
    def _masked(self) -> bool:
        """Whether number 0 is that of the mask token."""
        return self.mask_token is not None and self.output_mode == "int"

    @property
    def _first(self) -> int:
        """The number of the first token that is known."""
        return self._masked + self.num_oov_indices

    @property
    def vocabulary(self) -> list[Any] | None:
        """The known tokens, without the special ones; None without a vocabulary."""
        return list(self._tokens) or None

    @property
    def idf_weights(self) -> list[float] | None:
        """The inverse document frequency of each known token, for output_mode "tf_idf"."""
        return self._idf[self._first : self._first + len(self._tokens)].tolist() or None

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers, with mask and OOV tokens in front unless told otherwise."""
        special = [self.mask_token] * self._masked + [self.oov_token] * self.num_oov_indices
        shown = special if check_bool("include_special_tokens", include_special_tokens) else []
        return [*shown, *self._tokens]

    def vocabulary_size(self) -> int:
        """How many numbers there are, with those of mask and OOV tokens."""
        return self._first + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary.

        Parameters
        ----------
        vocabulary : sequence, or path of a text file
            Tokens, each once, with the special tokens in front or without; of a file one a line.
        idf_weights : array_like, optional
            Inverse document frequencies, one a token; for output_mode "tf_idf", which needs them.

        Raises
        ------
        TypeError, ValueError
            No tokens, or one twice, or too many; weights that are missing or too many. Nothing is changed then.
        """
        tokens = self._read(vocabulary)
        special = [self.mask_token] * self._masked + [self.oov_token] * self.num_oov_indices
        has_special = bool(special) and tokens[: len(special)] == special
        known = tokens[len(special) :] if has_special else tokens
        if not known:
            raise ValueError("vocabulary must have a token.")
        twice = [token for token, count in Counter(known).items() if count > 1]
        if twice:
            raise ValueError(f"vocabulary must have each token once; {twice[0]!r} comes again.")
        if self._masked and self.mask_token in known:
            raise ValueError(f"vocabulary must have the mask token {self.mask_token!r} in front, or not at all.")
        if self.max_tokens is not None and self._first + len(known) > self.max_tokens:
            raise ValueError(f"vocabulary must have at most max_tokens {self.max_tokens}; it has {len(known)} tokens.")
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            raise ValueError("idf_weights must be given with output_mode='tf_idf', and only then.")
        weights = np.zeros(0)
        if idf_weights is not None:
            weights = numeric(idf_weights, "idf_weights").astype(float)
            if weights.shape != (len(tokens),):
                raise ValueError(
                    f"idf_weights must be one for each of {len(tokens)} tokens; got shape {weights.shape}."
                )
            weights = weights if has_special else np.r_[np.full(len(special), weights.mean()), weights]
        self._set(known, weights)

    def _set(self, tokens: list[Any], idf: np.ndarray) -> None:
        self._tokens = list(tokens)
        self._numbers = {token: self._first + i for i, token in enumerate(tokens)}
        self._idf = idf

    def _read(self, vocabulary: Any) -> list[Any]:
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        if isinstance(vocabulary, np.ndarray):
            vocabulary = vocabulary.tolist()
        if not isinstance(vocabulary, (list, tuple)):
            raise TypeError(f"vocabulary must be a list of {self._what}, or a path; got {describe(vocabulary)}.")
        return [self._token(token, f"vocabulary[{i}]") for i, token in enumerate(vocabulary)]

    def _token(self, value: Any, name: str) -> Any:
        """A token, checked."""
        raise NotImplementedError(f"{type(self).__name__} must define _token(value, name).")

    # -- learning it ---------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from data: the most frequent tokens first; of equal counts, the greater token.

        Parameters
        ----------
        data : array_like, or iterable of such
            Documents, one a row; of an array of one axis each element is a document. A generator or dataset gives
            batches.
        batch_size : int, optional
            For scripts written for Keras: the result does not depend on it.
        steps : int, optional
            How many batches to take of what gives them.

        Raises
        ------
        TypeError, ValueError
            Something else than tokens; the vocabulary is then as it was.
        """
        if batch_size is not None:
            check_int("batch_size", batch_size, 1)
        limit = None if steps is None else check_int("steps", steps, 1)
        self.reset_state()
        for document in self._documents(data, limit):
            self._counts.update(document)
            self._documents_with.update(set(document))
            self._seen += 1
        self._finalize()

    def reset_state(self) -> None:
        """Forget what has been counted."""
        self._counts: Counter[Any] = Counter()
        self._documents_with: Counter[Any] = Counter()
        self._seen = 0

    def _documents(self, data: Any, limit: int | None) -> Iterable[Sequence[Any]]:
        """The tokens of one document after another."""
        if isinstance(data, (list, tuple, np.ndarray, str)):
            batches: Iterable[Any] = [data]
        elif isinstance(data, Iterable):
            batches = data
        else:
            raise TypeError(f"data must be {self._what}, or give batches of them; got {describe(data)}.")
        for i, batch in enumerate(batches):
            if limit is not None and i >= limit:
                return
            for j, row in enumerate(batch if not isinstance(batch, str) else [batch]):
                tokens = row if isinstance(row, (list, tuple, np.ndarray)) and np.ndim(row) else [row]
                yield [self._token(token, f"data[{j}]") for token in np.ravel(np.asarray(tokens, object)).tolist()]

    def _finalize(self) -> None:
        """Make the vocabulary of the counts."""
        counts = {token: n for token, n in self._counts.items() if token not in (self.mask_token, self.oov_token)}
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ordered = ordered[: self.max_tokens - self._first]
        idf = np.zeros(0)
        if self.output_mode == "tf_idf" and ordered:
            idf = np.array([log(1 + self._seen / (1 + self._documents_with[token])) for token in ordered])
            idf = np.r_[np.full(self._first, idf.mean()), idf]
        self._set(ordered, idf)
        self.reset_state()

    # -- looking up ----------------------------------------------------------------------------------------------------

    def __call__(self, x: Any) -> np.ndarray:
        """Look tokens up.

        Parameters
        ----------
        x : array_like of tokens; with `invert`, of numbers

        Returns
        -------
        ndarray
            With output_mode "int" int64 of the shape of `x`; with `invert` an array of tokens. Otherwise numbers of
            `config.floatx()`: for each token a row ("one_hot"), or for each last axis of tokens one ("multi_hot",
            "count", "tf_idf").

        Raises
        ------
        TypeError
            Something else than tokens.
        ValueError
            A token is not known and there is no OOV index; there is no vocabulary.
        """
        if not self._tokens:
            raise ValueError(f"{self.name} has no vocabulary: call adapt(data), or give vocabulary=.")
        if self.invert:
            return self._inverted(x)
        given = np.asarray(x, object)
        numbers = np.array([self._number(token) for token in given.ravel().tolist()], np.int64).reshape(given.shape)
        return numbers if self.output_mode == "int" else self._encoded(numbers)

    def _number(self, value: Any) -> int:
        token = self._token(value, "x")
        number = self._numbers.get(token)
        if number is not None:
            return number
        if self.mask_token is not None and token == self.mask_token:
            return 0 if self._masked else -1  # -1: it does not count
        if self.num_oov_indices == 0:
            raise ValueError(f"x must have known tokens, for num_oov_indices is 0; got {token!r}.")
        if self.num_oov_indices == 1:
            return int(self._masked)
        from zlib import crc32

        return self._masked + crc32(str(token).encode()) % self.num_oov_indices

    def _inverted(self, x: Any) -> np.ndarray:
        numbers = np.asarray(x)
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"x must be whole numbers to be inverted; got dtype {numbers.dtype}.")
        words = self.get_vocabulary()
        known = [words[i] if 0 <= i < len(words) else self.oov_token for i in numbers.ravel().tolist()]
        return np.array(known).reshape(numbers.shape)

    def _encoded(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers as rows of 0 and 1, or of counts."""
        depth = self.max_tokens if self.pad_to_max_tokens and self.max_tokens else self.vocabulary_size()
        made = encoded(numbers, depth, "count" if self.output_mode == "tf_idf" else self.output_mode)
        if self.output_mode == "tf_idf":
            made[..., : len(self._idf)] *= self._idf
        return made
