"""Attention as Keras has it, for models that `to_torch` gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import dropout, scaled_dot_product_attention

__all__ = ["Attention", "MultiHeadAttention"]


class MultiHeadAttention(torch.nn.Module):
    """Attention of several heads, of any size.

    Parameters
    ----------
    sizes : sequence of int
        Last axes of query, key and value.
    heads, key_dim, value_dim : int
    output : sequence of int
        Shape of the output of a query.
    dropout : float
    bias, causal : bool
    """

    def __init__(
        self,
        sizes: Sequence[int],
        heads: int,
        key_dim: int,
        value_dim: int,
        output: Sequence[int],
        dropout: float,
        bias: bool,
        causal: bool,
    ) -> None:
        super().__init__()
        self.heads, self.shape, self.dropout, self.causal = heads, tuple(output), dropout, causal
        self.query = torch.nn.Linear(sizes[0], heads * key_dim, bias)
        self.key = torch.nn.Linear(sizes[1], heads * key_dim, bias)
        self.value = torch.nn.Linear(sizes[2], heads * value_dim, bias)
        self.output = torch.nn.Linear(heads * value_dim, math.prod(output), bias)

    def forward(self, query: torch.Tensor, value: torch.Tensor, key: torch.Tensor | None = None) -> torch.Tensor:
        """The output for a query, a value and perhaps a key, (rows, steps, ..., n) each."""
        q = self._heads(self.query(query))
        k = self._heads(self.key(value if key is None else key))
        rate = self.dropout if self.training else 0.0
        made = scaled_dot_product_attention(q, k, self._heads(self.value(value)), dropout_p=rate, is_causal=self.causal)
        y: torch.Tensor = self.output(made.transpose(1, 2).flatten(2))
        return y.reshape(*query.shape[:-1], *self.shape)

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, heads, steps, n)."""
        return x.reshape(len(x), -1, self.heads, x.shape[-1] // self.heads).transpose(1, 2)

    def extra_repr(self) -> str:
        """The settings."""
        return f"heads={self.heads}, dropout={self.dropout}, causal={self.causal}"


class Attention(torch.nn.Module):
    """Attention of inputs as they are.

    Parameters
    ----------
    scale : Tensor or None
        Of the scores: a number, or with sums of tanh a number for each place of the last axis.
    weight : Tensor or None
        A number, by which sums of tanh are multiplied.
    sums : bool
        Whether scores are sums of tanh(query + key), and not products.
    dropout : float
    causal : bool
    """

    def __init__(
        self, scale: torch.Tensor | None, weight: torch.Tensor | None, sums: bool, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.scale = None if scale is None else torch.nn.Parameter(scale)
        self.weight = None if weight is None else torch.nn.Parameter(weight)
        self.sums, self.dropout, self.causal = sums, dropout, causal

    def forward(self, query: torch.Tensor, value: torch.Tensor, key: torch.Tensor | None = None) -> torch.Tensor:
        """The output for a query, a value and perhaps a key, (rows, ..., steps, n) each."""
        scores = self._scores(query, value if key is None else key)
        if self.causal:
            seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~seen, -float("inf"))
        return dropout(scores.softmax(-1), self.dropout, self.training) @ value

    def _scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        scale = 1.0 if self.scale is None else self.scale
        if not self.sums:
            return scale * (query @ key.transpose(-1, -2))
        pairs = query.unsqueeze(-2) + key.unsqueeze(-3)
        if self.weight is None:
            return (scale * torch.tanh(pairs)).sum(-1)
        return self.weight * torch.tanh(scale * pairs).sum(-1)

    def extra_repr(self) -> str:
        """The settings."""
        return f"sums={self.sums}, dropout={self.dropout}, causal={self.causal}"
