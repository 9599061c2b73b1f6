"""What a user does to state or tensors between two steps counts from the next step on, exactly as with `torch.optim`.

The invariant: a step reads and writes the tensors that `optimizer.state` shows, and nothing else. So after any edit the
steps that follow equal PyTorch's own.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
from torch_runs import Run, assert_same, default_dtype, ours, torch

pytestmark = pytest.mark.peers

MATRICES = ((3, 4), (2, 5))
# One setting of every class, in which all of its state counts.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adadelta", {"lr": 0.5}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1}),
    ("Adamax", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1}),
    ("Rprop", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "t0": 3}),
    ("Adafactor", {"lr": 0.1}),
    ("Muon", {"lr": 0.1}),
]
NUMBERS = ("step", "mu_product", "eta", "mu")
Edit = Callable[[Run], None]


@pytest.fixture(autouse=True)
def exact_products(monkeypatch):
    """PyTorch's Muon, but without its rounding to bfloat16; counters in float64."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    with default_dtype(torch.float64):
        yield


def test_every_class_is_here():
    assert sorted(name for name, _ in CASES) == sorted(ours.__all__)


def states(run: Run) -> list[dict[str, Any]]:
    return [run.optimizer.state[each] for each in run.parameters]


def replace(make: Callable[[Any], Any], numbers: bool = False) -> Edit:
    """All tensors of the state of the first parameter, by others."""

    def edit(run: Run) -> None:
        own = states(run)[0]
        for key, value in own.items():
            if (key in NUMBERS) == numbers:
                own[key] = make(value)

    return edit


def noise(like: Any) -> Any:
    return torch.rand(like.shape, generator=torch.Generator().manual_seed(7)) / 10 + 0.5  # more than its square


def strided(value: Any) -> Any:
    other = torch.empty((*value.shape[:-1], 2 * value.shape[-1]))[..., ::2]
    return other.copy_(value / 2)


def in_place(run: Run) -> None:
    for value in states(run)[1].values():
        value.mul_(0.5) if value.dim() else None


def step_of_one(value: float) -> Edit:
    def edit(run: Run) -> None:
        own = states(run)[1]
        if "step" in own:
            own["step"].fill_(value)

    return edit


def whole_step(run: Run) -> None:
    own = states(run)[0]
    if "step" in own:
        own["step"] = own["step"].long()


def numbers_in_place(run: Run) -> None:
    for key, value in states(run)[0].items():
        if key in NUMBERS[1:]:
            value.mul_(0.5)


def empty(run: Run) -> None:
    run.optimizer.state[run.parameters[0]] = {}


def shared(run: Run) -> None:
    for own in states(run):
        for value in own.values():
            value.share_memory_()


def swapped(run: Run) -> None:
    """The state of one parameter becomes the other's, where shapes allow: here its numbers."""
    one, other = states(run)
    for key in NUMBERS:
        if key in one:
            one[key], other[key] = other[key], one[key]


def another_dict(run: Run) -> None:
    run.optimizer.state[run.parameters[1]] = {
        key: 0.5 * value if value.dim() else value.clone() for key, value in states(run)[1].items()
    }


def new_state(run: Run) -> None:
    state = type(run.optimizer.state)(dict)
    state[run.parameters[1]] = states(run)[1]
    state[run.parameters[0]] = states(run)[0]
    states(run)[0].update({key: value / 2 for key, value in states(run)[0].items() if value.dim()})
    run.optimizer.state = state


def partial_load(run: Run) -> None:
    state = copy.deepcopy(run.optimizer.state_dict())
    if type(run.optimizer).__name__ == "Adagrad":  # PyTorch makes its state in the constructor alone
        state["state"][1]["sum"].mul_(2)
    else:
        del state["state"][1]
    run.optimizer.load_state_dict(state)


def copied(run: Run) -> None:
    other = copy.deepcopy(run)
    run.optimizer, run.parameters = other.optimizer, other.parameters


def pickled(run: Run) -> None:
    file = io.BytesIO()
    torch.save((run.optimizer, run.parameters), file)
    file.seek(0)
    run.optimizer, run.parameters = torch.load(file, weights_only=False)


def more_tensors(run: Run) -> None:
    fresh = torch.nn.Parameter(torch.ones(2, 2))
    if type(run.optimizer).__name__ == "Adagrad":
        run.optimizer.state[fresh] = {"step": torch.tensor(0.0), "sum": torch.zeros(2, 2)}
    run.optimizer.add_param_group({"params": [fresh], "lr": 0.01})
    run.parameters.append(fresh)


def moved(run: Run) -> None:
    run.parameters[0].data = run.parameters[0].data.t().contiguous().t()
    run.parameters[1].data = run.parameters[1].data.clone()


def set_elsewhere(run: Run) -> None:
    """`set_` and a storage that is freed and comes back, as offloading does it."""
    run.parameters[0].data.set_(run.parameters[0].data.clone())
    for value in states(run)[0].values():
        kept, storage = value.clone(), value.untyped_storage()
        size = storage.nbytes()
        storage.resize_(0)
        storage.resize_(2 * size)
        value.copy_(kept)


def cut(run: Run) -> None:
    """The first rows of a tensor, and of its state."""
    tensor = run.parameters[0]
    tensor.grad = None
    tensor.data = tensor.data[:2]
    own = states(run)[0]
    for key, value in own.items():
        if value.dim() and value.shape[0] == 3:
            own[key] = value[:2]


EDITS: dict[str, Edit] = {
    "zeros": replace(torch.zeros_like),
    "noise": replace(noise),
    "not contiguous": replace(strided),
    "numbers replaced": replace(lambda value: value.clone(), numbers=True),
    "step of another type": replace(lambda value: value.float(), numbers=True),
    "step that is an int": whole_step,
    "in place": in_place,
    "step of one": step_of_one(10),
    "step of one to 0": step_of_one(0),
    "numbers in place": numbers_in_place,
    "swapped": swapped,
    "another dict": another_dict,
    "new state": new_state,
    "empty": empty,
    "cleared": lambda run: states(run)[0].clear(),
    "popped": lambda run: run.optimizer.state.pop(run.parameters[0]),
    "all cleared": lambda run: run.optimizer.state.clear(),
    "shared": shared,
    "partial load": partial_load,
    "deepcopy": copied,
    "pickle": pickled,
    "more tensors": more_tensors,
    "moved": moved,
    "set elsewhere": set_elsewhere,
    "cut": cut,
}


# PyTorch's Adagrad cannot make its state anew.
FORGETTING = {"empty", "cleared", "popped", "all cleared"}


@pytest.mark.parametrize(
    ("name", "options", "edit"),
    [(*case, edit) for case in CASES for edit in EDITS if not (case[0] == "Adagrad" and edit in FORGETTING)],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_steps_after_an_edit(name, options, edit):
    theirs, own = (Run(module, name, options, torch.float64, MATRICES) for module in (torch.optim, ours))
    for run in (theirs, own):
        run.feed(3)
        EDITS[edit](run)
    for run in (theirs, own):
        run.feed(4)
    for a, b in zip(theirs.parameters, own.parameters, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
        for key, value in theirs.optimizer.state[a].items():
            mine = own.optimizer.state[b][key]
            assert type(value) is type(mine)
            torch.testing.assert_close(torch.as_tensor(mine), torch.as_tensor(value), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_state_made_before_the_first_step_is_what_steps_write(name, options):
    """In shared memory, as for asynchronous training by several processes."""
    pattern = Run(torch.optim, name, options, torch.float64, MATRICES)
    pattern.feed(1)
    made: list[tuple[Any, str, Any]] = []
    runs = [Run(module, name, options, torch.float64, MATRICES) for module in (torch.optim, ours)]
    for run in runs:
        for tensor, like in zip(run.parameters, pattern.parameters, strict=True):
            for key, value in pattern.optimizer.state[like].items():
                fresh = value.clone().share_memory_()
                run.optimizer.state[tensor][key] = fresh
                made.append((run.optimizer.state[tensor], key, fresh))
        run.feed(5)
    assert_same(*runs, 1e-9, 1e-12)
    assert all(own[key] is value and value.is_shared() for own, key, value in made)
    half = len(made) // 2
    for (_, _, a), (_, _, b) in zip(made[:half], made[half:], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_the_tensors_of_the_state_stay_the_same_objects(name, options):
    run = Run(ours, name, options, torch.float64, MATRICES)
    run.feed(1)
    before = [dict(own) for own in states(run)]
    run.feed(3)
    for own, old in zip(states(run), before, strict=True):
        assert own.keys() == old.keys()
        assert all(own[key] is value for key, value in old.items())


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if case[0] not in ("SGD", "Muon")])
def test_a_missing_key_is_named(name, options):
    """SGD and Muon keep one tensor: without it they begin again."""
    run = Run(ours, name, options, torch.float64, MATRICES)
    run.feed(1)
    own = states(run)[1]
    key = list(own)[-1]
    del own[key]
    before = copy.deepcopy(run.parameters)
    with pytest.raises(ValueError, match=rf"the state of parameters\[0\]\[1\] has no '{key}'; it holds "):
        run.feed(1)
    assert all(torch.equal(a, b) for a, b in zip(before, run.parameters, strict=True))


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if case[0] not in ("SGD", "Muon")])
def test_a_step_that_is_no_tensor_is_refused(name, options):
    """Most of PyTorch's classes do, too; the others would stand still at it. SGD and Muon count no steps."""
    run = Run(ours, name, options, torch.float64, MATRICES)
    run.feed(1)
    own = states(run)[1]
    own["step"] = 1.0
    with pytest.raises(TypeError, match=r"'step' in the state of parameters\[0\]\[1\] must be a tensor; it is 1\.0"):
        run.feed(1)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_storages_stay_resizable(name, options):
    """Of tensors, gradients and state; what was freed is an error, never read."""
    run = Run(ours, name, options, torch.float64, MATRICES)
    run.feed(2)
    tensor = run.parameters[0]
    for each in (tensor, tensor.grad, *states(run)[0].values()):
        storage = each.untyped_storage()
        size, kept = storage.nbytes(), each.detach().clone()
        storage.resize_(0)
        with pytest.raises(ValueError, match="must lie in its storage, which has been freed or cut"):
            run.optimizer.step()
        storage.resize_(2 * size)
        with torch.no_grad():
            each.copy_(kept)
        run.optimizer.step()


def test_tensors_are_read_the_same_way_without_dlpacks_functions(monkeypatch):
    """PyTorch before 2.10 has capsules alone."""
    from gradstep.torch import base

    monkeypatch.setattr(base, "SOURCE", torch.utils.dlpack.to_dlpack)
    theirs, own = (Run(module, "Adam", {}, torch.float64) for module in (torch.optim, ours))
    for run in (theirs, own):
        run.feed(5, ((2, 1),))
    assert_same(theirs, own, 1e-9, 1e-12)
    own.parameters[0].grad = own.parameters[0].data
    with pytest.raises(ValueError, match=r"gradients\[0\]\[0\] must not overlap a parameter"):
        own.optimizer.step()
    own.parameters[0].untyped_storage().resize_(0)
    own.parameters[0].untyped_storage().resize_(1000)


@pytest.mark.parametrize("empty", [{}, None])
def test_an_empty_state_is_filled_where_it_is(empty):
    run = Run(ours, "Adam", {}, torch.float64, MATRICES)
    run.feed(1)
    run.optimizer.state[run.parameters[0]] = empty
    run.feed(1)
    assert set(run.optimizer.state[run.parameters[0]]) == {"step", "exp_avg", "exp_avg_sq"}
    assert empty is None or run.optimizer.state[run.parameters[0]] is empty
