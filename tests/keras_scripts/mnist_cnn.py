"""A small convolutional network reads digits: images of 28 x 28 bytes, ten classes."""

import keras
import numpy as np


def load_data():
    """Pictures in the manner of MNIST: a pattern of strokes for each class, moved about, under noise."""
    random = np.random.default_rng(0)
    patterns = 220 * (random.random((10, 7, 7)) < 0.35).repeat(4, axis=1).repeat(4, axis=2)
    labels = random.integers(0, 10, 400)
    images = patterns[labels] + random.integers(0, 36, (400, 28, 28))
    moves = random.integers(-2, 3, (400, 2))
    images = np.stack([np.roll(image, move, (0, 1)) for image, move in zip(images, moves, strict=True)])
    return images.astype("uint8"), labels


images, labels = load_data()
x_train = np.expand_dims(images[:300].astype("float32") / 255, -1)
x_test = np.expand_dims(images[300:].astype("float32") / 255, -1)
y_train = keras.utils.to_categorical(labels[:300], 10)
y_test = keras.utils.to_categorical(labels[300:], 10)


def build():
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            keras.layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
            keras.layers.MaxPooling2D(pool_size=(2, 2)),
            keras.layers.Conv2D(16, kernel_size=(3, 3), activation="relu", padding="same"),
            keras.layers.AveragePooling2D(pool_size=(2, 2), padding="same"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def train(model, folder):
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=64, epochs=2, validation_split=0.1, shuffle=False, verbose=0)
    return {
        "history": history.history,
        "score": model.evaluate(x_test, y_test, verbose=0),
        "predictions": model.predict(x_test, verbose=0),
    }
