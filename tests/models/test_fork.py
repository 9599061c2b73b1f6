"""After fork() the child trains, whatever the parent's threads did or do, and gets the parent's bytes."""

from __future__ import annotations

import os

import pytest
from children import said

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

# Each child writes the hash of what it trained; a child that hangs writes nothing, and SIGALRM ends it.
START = """
import hashlib, os, signal, sys, threading
import gradstep as gs
from training import DENSE_784, classifier, clusters, snapshot

x, y = clusters(400, 784, 10)
gs.set_num_threads(2)

def train():
    model = classifier(784, DENSE_784, 10)
    model.fit(x, y, batch_size=128, epochs=2, verbose=0)
    return hashlib.sha256(snapshot(model)).digest()

def child(work):
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        try:
            os.write(write, work())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        found = pipe.read()
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"the child ended with status {status}"
    return found
"""


def test_forked_children_train_to_the_parents_bytes():
    """20 children, each of a parent whose threads have just run; the parent goes on as before."""
    said(f"""{START}
expected = train()
for _ in range(20):
    assert child(train) == expected
    assert train() == expected
""")


def test_a_child_forked_before_any_thread_ran():
    said(f"""{START}
early = child(train)
assert early == train() == child(train)
""")


def test_a_child_forked_in_the_middle_of_a_fit():
    """Another thread of the parent trains while it forks: the child's own models train, and the parent's goes on."""
    said(f"""{START}
expected = train()
busy = classifier(784, DENSE_784, 10)
begun, stop = threading.Event(), threading.Event()

class Watch(gs.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        begun.set()
        self.model.stop_training = stop.is_set()

trainer = threading.Thread(
    target=lambda: busy.fit(x, y, batch_size=128, epochs=10**6, verbose=0, callbacks=[Watch()])
)
trainer.start()
begun.wait()
try:
    for _ in range(5):
        assert child(train) == expected
    steps = busy.optimizer.iterations
    while busy.optimizer.iterations == steps:
        assert trainer.is_alive()
finally:
    stop.set()
    trainer.join()
""")


def test_a_child_of_a_child():
    said(f"""{START}
expected = train()
assert child(lambda: child(train) + train()) == 2 * expected
""")
