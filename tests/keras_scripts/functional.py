"""Models of several inputs and outputs: layers called on symbolic tensors, merged, and judged by losses that weigh."""

import keras
import numpy as np

random = np.random.default_rng(9)
title = random.normal(size=(300, 8)).astype("float32")
body = random.normal(size=(300, 12)).astype("float32")
tags = (random.random((300, 5)) < 0.3).astype("float32")
priority = (1 / (1 + np.exp(-title[:, :1] - body[:, :1]))).astype("float32")
department = np.argmax(body[:, 1:5] + title[:, 1:5], axis=1)


def build():
    title_input = keras.Input(shape=(8,), name="title")
    body_input = keras.Input(shape=(12,), name="body")
    tags_input = keras.Input(shape=(5,), name="tags")
    title_features = keras.layers.Dense(16, activation="relu")(title_input)
    body_features = keras.layers.Dense(16, activation="tanh")(body_input)
    x = keras.layers.concatenate([title_features, body_features, tags_input])
    priority_pred = keras.layers.Dense(1, activation="sigmoid", name="priority")(x)
    department_pred = keras.layers.Dense(4, name="department")(x)
    tickets = keras.Model(
        inputs=[title_input, body_input, tags_input],
        outputs=[priority_pred, department_pred],
    )

    inputs = keras.Input(shape=(12,))
    x = keras.layers.Dense(12, activation="gelu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.add([x, inputs])
    outputs = keras.layers.Dense(3)(keras.layers.Dropout(0.0)(x))
    residual = keras.Model(inputs=inputs, outputs=outputs, name="residual")

    first, second = keras.Input((12,), name="second"), keras.Input((8,), name="first")
    hidden = [keras.layers.Dense(units, activation="elu")(x) for units, x in ((6, first), (5, second))]
    x = keras.layers.Concatenate()(hidden)
    outputs = {"wide": keras.layers.Dense(4)(x), "narrow": keras.layers.Dense(1)(x)}
    named = keras.Model({"second": first, "first": second}, outputs)
    return [tickets, residual, named]


def train(models, folder):
    tickets, residual, named = models
    tickets.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss={
            "priority": keras.losses.BinaryCrossentropy(),
            "department": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
        metrics={"priority": ["mae"], "department": ["accuracy"]},
    )
    x = {"title": title, "body": body, "tags": tags}
    y = {"priority": priority, "department": department}
    history = tickets.fit(x, y, epochs=4, batch_size=32, validation_split=0.1, shuffle=False, verbose=0)
    answer = {"tickets": history.history}
    answer["scores"] = tickets.evaluate(x, y, verbose=0, return_dict=True)
    answer["predictions"] = tickets.predict(x, verbose=0)

    residual.compile("adam", "mse", metrics=["mae"])
    history = residual.fit(body, title[:, :3], epochs=5, batch_size=50, shuffle=False, verbose=0)
    answer["residual"] = history.history
    answer["residual predictions"] = residual.predict(body[:7], verbose=0)

    named.compile("adam", {"wide": "mae", "narrow": "mse"}, loss_weights={"wide": 0.3, "narrow": 1.0})
    x, y = {"first": title, "second": body}, {"narrow": priority, "wide": title[:, :4]}
    answer["named"] = named.fit(x, y, epochs=3, batch_size=60, shuffle=False, verbose=0).history
    answer["named scores"] = named.evaluate(x, y, verbose=0, return_dict=True)
    predicted = named.predict({"first": title[:5], "second": body[:5]}, verbose=0)
    answer["predictions by name"] = {name: predicted[name] for name in ("wide", "narrow")}
    answer["shapes"] = [list(residual.input_shape[1:]), list(residual.output_shape[1:]), residual.count_params()]
    answer["layers"] = [type(layer).__name__ for layer in residual.layers]
    return answer
