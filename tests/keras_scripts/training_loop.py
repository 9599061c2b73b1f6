"""A training loop of one's own: batches one by one, metrics fed by hand, and a rate that falls."""

import keras
import numpy as np

random = np.random.default_rng(3)
x = random.normal(size=(640, 10)).astype("float32")
y = np.argmax(x[:, :4] + 0.3 * random.normal(size=(640, 4)), axis=1)
x_train, y_train, x_val, y_val = x[:512], y[:512], x[512:], y[512:]


def build():
    return keras.models.Sequential(
        [
            keras.layers.Input(shape=(10,)),
            keras.layers.Dense(24, activation="gelu", name="hidden"),
            keras.layers.LayerNormalization(),
            keras.layers.Dense(4, name="logits"),
        ]
    )


def train(model, folder):
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    model.compile(optimizer=optimizer, loss=loss_fn, metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")])
    val_acc_metric = keras.metrics.SparseCategoricalAccuracy()
    mean_loss = keras.metrics.Mean(name="mean_loss")
    answer = {"losses": [], "accuracies": [], "val": [], "tests": [], "weighted": []}

    batch_size = 64
    for epoch in range(5):
        optimizer.learning_rate = 0.1 * 0.5**epoch
        mean_loss.reset_state()
        for step in range(len(x_train) // batch_size):
            rows = slice(step * batch_size, (step + 1) * batch_size)
            logs = model.train_on_batch(x_train[rows], y_train[rows], return_dict=True)
            model.reset_metrics()
            mean_loss.update_state(logs["loss"])
            answer["accuracies"].append(logs["acc"])
        answer["losses"].append(mean_loss.result())

        logits = model.predict_on_batch(x_val)
        val_acc_metric.update_state(y_val, logits)
        answer["val"].append([val_acc_metric.result(), loss_fn(y_val, logits)])
        val_acc_metric.reset_state()
        answer["tests"].append(model.test_on_batch(x_val, y_val))
        model.reset_metrics()

    for weight in (0.0, 0.5, 2.0):
        sample_weight = np.where(y_train[:50] == 1, weight, 1.0)
        answer["weighted"].append(model.train_on_batch(x_train[:50], y_train[:50], sample_weight=sample_weight))
        model.reset_metrics()
    answer["iterations"] = int(optimizer.iterations)
    answer["weights"] = model.get_layer("hidden").get_weights()
    return answer
