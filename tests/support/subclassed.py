"""Models and layers with a method `call`, in Keras and in gradstep, whose name is `library`; and data for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["CASES", "classes", "data_of"]


class Case(NamedTuple):
    shape: Any  # of the input, or a list or dict of shapes
    loss: str = "mse"


CASES = {
    "MLP": Case((None, 6)),
    "ResNet": Case((None, 8, 8, 3), "sparse_categorical_crossentropy"),
    "Transformer": Case((None, 5), "sparse_categorical_crossentropy"),
    "Autoencoder": Case((None, 6)),
    "TwoTowers": Case({"item": (None, 4), "user": (None, 6)}),
    "Linears": Case((None, 6)),
    "Shared": Case([(None, 6), (None, 6)]),
    "Recurrent": Case((None, 5, 4)),
}


def classes(library: Any) -> dict[str, Any]:
    """The classes by name."""
    layers = library.layers

    class MLP(library.Model):
        def __init__(self, units=8, **options):
            super().__init__(**options)
            self.hidden = [layers.Dense(units, activation="relu"), layers.Dense(units, activation="tanh")]
            self.dropout = layers.Dropout(0.0)
            self.head = layers.Dense(1)

        def call(self, inputs, training=False):
            x = inputs
            for layer in self.hidden:
                x = layer(x)
            if training:
                x = self.dropout(x, training=training)
            return self.head(x)

    class Residual(layers.Layer):
        def __init__(self, filters, **options):
            super().__init__(**options)
            self.filters = filters
            self.conv_1 = layers.Conv2D(filters, 3, padding="same", use_bias=False)
            self.norm = layers.BatchNormalization()
            self.relu = layers.ReLU()
            self.conv_2 = layers.Conv2D(filters, 3, padding="same")
            self.add = layers.Add()

        def call(self, x, training=None):
            h = self.relu(self.norm(self.conv_1(x), training=training))
            return self.relu(self.add([x, self.conv_2(h)]))

        def get_config(self):
            return {**super().get_config(), "filters": self.filters}

    class ResNet(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.stem = layers.Conv2D(4, 3, padding="same", activation="relu")
            self.blocks = [Residual(4), Residual(4)]
            self.pool = layers.GlobalAveragePooling2D()
            self.head = layers.Dense(3, activation="softmax")

        def call(self, x, training=None):
            x = self.stem(x)
            for block in self.blocks:
                x = block(x, training=training)
            return self.head(self.pool(x))

    class Positions(layers.Layer):
        def __init__(self, words, width, **options):
            super().__init__(**options)
            self.words, self.width = words, width
            self.tokens = layers.Embedding(words, width)

        def build(self, input_shape):
            self.place = self.add_weight(shape=(input_shape[-1], self.width), initializer="random_normal", name="place")

        def call(self, x):
            return self.tokens(x) + self.place

    class TransformerBlock(layers.Layer):
        def __init__(self, width, heads, **options):
            super().__init__(**options)
            self.attention = layers.MultiHeadAttention(heads, width // heads)
            self.feed_forward = library.Sequential([layers.Dense(2 * width, activation="relu"), layers.Dense(width)])
            self.norm_1, self.norm_2 = layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)
            self.dropout_1, self.dropout_2 = layers.Dropout(0.0), layers.Dropout(0.0)

        def call(self, inputs, training=None):
            h = self.dropout_1(self.attention(inputs, inputs), training=training)
            x = self.norm_1(inputs + h)
            return self.norm_2(x + self.dropout_2(self.feed_forward(x), training=training))

    class Transformer(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.embedding = Positions(11, 8)
            self.block = TransformerBlock(8, 2)
            self.pool = layers.GlobalAveragePooling1D()
            self.head = layers.Dense(3, activation="softmax")

        def call(self, inputs, training=None):
            return self.head(self.pool(self.block(self.embedding(inputs), training=training)))

    class Encoder(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.first, self.last = layers.Dense(5, activation="tanh"), layers.Dense(2)

        def call(self, x):
            return self.last(self.first(x))

    class Decoder(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.first, self.last = layers.Dense(5, activation="tanh"), layers.Dense(6)

        def call(self, z):
            return self.last(self.first(z))

    class Autoencoder(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.encoder, self.decoder = Encoder(), Decoder()

        def call(self, x):
            return self.decoder(self.encoder(x))

    class TwoTowers(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.towers = {
                "user": library.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)]),
                "item": layers.Dense(4),
            }
            self.dot = layers.Dot(axes=1)

        def call(self, inputs):
            return self.dot([self.towers["user"](inputs["user"]), self.towers["item"](inputs["item"])])

    class Linear(layers.Layer):
        def __init__(self, units=4, **options):
            super().__init__(**options)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", name="w")
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, inputs):
            return (inputs @ self.w + self.b) * self.scale

    class Linears(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.linear_1, self.activation = Linear(8), layers.Activation("tanh")
            self.linear_2 = Linear(1)

        def call(self, inputs):
            return self.linear_2(self.activation(self.linear_1(inputs))) * 2.0 - 1.0

    class Shared(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.tower = library.Sequential([layers.Dense(4, activation="relu"), Linear(3)])
            self.head = layers.Dense(1)

        def call(self, inputs):
            a, b = inputs
            return self.head(self.tower(a) - self.tower(b))

    class Recurrent(library.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.rnn, self.state = layers.LSTM(3, return_sequences=True), layers.GRU(3)
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(self.state(self.rnn(x)))

    return {name: value for name, value in locals().items() if isinstance(value, type)}


def data_of(name: str, rows: int = 24) -> tuple[Any, np.ndarray]:
    """Inputs in the structure of a case, and targets."""
    random, case = np.random.default_rng(0), CASES[name]

    def one(shape):
        if name == "Transformer":
            return random.integers(0, 11, (rows, *shape[1:])).astype("float32")
        return random.normal(size=(rows, *shape[1:])).astype("float32")

    if isinstance(case.shape, dict):
        x: Any = {key: one(shape) for key, shape in case.shape.items()}
    else:
        x = [one(shape) for shape in case.shape] if isinstance(case.shape, list) else one(case.shape)
    if case.loss.startswith("sparse"):
        return x, random.integers(0, 3, rows)
    return x, x if name == "Autoencoder" else random.normal(size=(rows, 1)).astype("float32")
