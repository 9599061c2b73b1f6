"""A perceptron of two hidden layers reads digits: images of 28 x 28 bytes, ten classes."""

import keras
import numpy as np


def load_data():
    """Pictures in the manner of MNIST: a pattern of strokes for each class, moved about, under noise."""
    random = np.random.default_rng(0)
    patterns = 220 * (random.random((10, 7, 7)) < 0.35).repeat(4, axis=1).repeat(4, axis=2)
    labels = random.integers(0, 10, 1200)
    images = patterns[labels] + random.integers(0, 36, (1200, 28, 28))
    moves = random.integers(-2, 3, (1200, 2))
    images = np.stack([np.roll(image, move, (0, 1)) for image, move in zip(images, moves, strict=True)])
    images = images.astype("uint8")
    return (images[:1000], labels[:1000]), (images[1000:], labels[1000:])


(x_train, y_train), (x_test, y_test) = load_data()
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
y_train = keras.utils.to_categorical(y_train, 10)
y_test = keras.utils.to_categorical(y_test, 10)


def build():
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.0),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(0.0),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def train(model, folder):
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=128, epochs=3, validation_split=0.1, shuffle=False, verbose=0)
    score = model.evaluate(x_test, y_test, verbose=0)
    return {
        "history": history.history,
        "score": score,
        "predictions": model.predict(x_test, verbose=0),
        "one": model(x_test[:1]),
        "names": model.metrics_names[:1],
    }
