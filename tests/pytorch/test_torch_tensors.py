"""Which tensors are moved, in place whatever their strides, and which are refused before anything is changed."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from torch_runs import Run, assert_same, ours, torch

pytestmark = pytest.mark.peers

LAYOUTS: dict[str, Callable[[], Any]] = {
    "channels last": lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "transposed": lambda: torch.randn(6, 6).t(),
    "every other": lambda: torch.randn(20)[::2],
    "columns": lambda: torch.randn(6, 8)[:, 2:5],
    "empty": lambda: torch.randn(0, 3),
    "scalar": lambda: torch.randn(()),
}


def twins(tensors: list[Any], name: str = "Adam", **options: Any) -> list[Run]:
    """Runs of `torch.optim` and of ours over copies of tensors, which keep their strides."""
    runs = []
    for module in (torch.optim, ours):
        run = Run.__new__(Run)
        run.parameters = [torch.nn.Parameter(copy.deepcopy(tensor)) for tensor in tensors]
        run.optimizer, run.t = getattr(module, name)(run.parameters, **options), 0
        runs.append(run)
    return runs


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gradients", [torch.contiguous_format, torch.preserve_format])
def test_strides(layout, gradients):
    torch.manual_seed(0)
    theirs, own = twins([LAYOUTS[layout](), torch.randn(3)])
    places = [each.data_ptr() for each in own.parameters]
    for _ in range(5):
        for a, b in zip(theirs.parameters, own.parameters, strict=True):
            a.grad = torch.randn_like(a, memory_format=gradients)
            b.grad = a.grad.clone(memory_format=torch.preserve_format)
        theirs.optimizer.step()
        own.optimizer.step()
    assert places == [each.data_ptr() for each in own.parameters]
    assert_same(theirs, own, 2e-5, 2e-6)  # as in test_torch_rules.py


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["SGD", "AdamW", "Adafactor"])
def test_half_types(name, dtype):
    """PyTorch rounds state to the half type too, we do not: compared with a run in float32, rounded once a step."""
    options = {"lr": 0.1, "weight_decay": 0.1}
    own, exact = Run(ours, name, options, dtype), Run(ours, name, options, dtype)
    exact.parameters = [torch.nn.Parameter(each.detach().float()) for each in own.parameters]
    exact.optimizer = getattr(ours, name)(exact.parameters, **options)
    for t in range(10):
        for i, (a, b) in enumerate(zip(own.parameters, exact.parameters, strict=True)):
            a.grad = None if (t, i) == (4, 1) else torch.randn_like(a)
            b.grad = None if a.grad is None else a.grad.float()
        own.optimizer.step()
        exact.optimizer.step()
        for a, b in zip(own.parameters, exact.parameters, strict=True):
            assert torch.equal(a, b.to(dtype))
            b.data.copy_(a)


def test_tensors_may_move_in_memory():
    theirs, own = (Run(module, "Adam", {}, torch.float64) for module in (torch.optim, ours))
    for run in (theirs, own):
        run.feed(3)
        for each in run.parameters:
            each.data = each.data.clone()
        run.feed(3)
        run.parameters[0].data = run.parameters[0].data.t().contiguous().t()
        run.feed(3)
    assert_same(theirs, own, 1e-6, 1e-9)  # steps are counted in float32


def test_a_square_that_is_turned_where_it_lies():
    theirs, own = twins([torch.randn(4, 4, generator=torch.Generator().manual_seed(0))])
    for run in (theirs, own):
        run.feed(3)
        run.parameters[0].data = run.parameters[0].data.t()
        run.feed(3)
    assert_same(theirs, own, 2e-5, 2e-6)


def test_autograd_sees_the_change():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = ours.SGD([weight], lr=0.1)
    loss = (weight**3).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (lambda: torch.zeros(3, dtype=torch.complex64), r"parameters\[0\]\[1\] must be torch.float32, .*complex64"),
        (lambda: torch.zeros(3, device="meta"), r"parameters\[0\]\[1\] must be in CPU memory; it is on meta"),
        (lambda: torch.eye(3).to_sparse(), r"parameters\[0\]\[1\] must be dense; its layout is torch.sparse_coo"),
    ],
)
def test_tensors_that_are_refused(tensor, words):
    fine = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(TypeError, match=words):
        ours.Adam([fine, torch.nn.Parameter(tensor())])
    optimizer = ours.Adam([fine])
    with pytest.raises(TypeError, match=r"parameters\[1\]\[0\]"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(tensor())]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        (name, flag)
        for name in ours.__all__
        for flag in ("differentiable", "capturable")
        if flag in inspect.signature(getattr(ours, name)).parameters
    ],
)
def test_what_cannot_be_had_is_refused(name, flag):
    parameters = [torch.nn.Parameter(torch.zeros(2, 2))]
    with pytest.raises(ValueError, match=f"{flag} must be False"):
        getattr(ours, name)(parameters, **{flag: True})
    optimizer = getattr(ours, name)(parameters)
    with pytest.raises(ValueError, match=f"{flag} must be False"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(2, 2))], flag: True})
    assert len(optimizer.param_groups) == 1


def snapshot(parameters: list[Any], optimizer: Any) -> Any:
    return copy.deepcopy([parameters, optimizer.state_dict()])


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("wrong", ["sparse", "rate", "beta", "nesterov"])
def test_after_an_error_everything_is_as_it_was(wrong, steps):
    """The second group is wrong; the first one must not have moved, nor the state have grown."""
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(3)) for _ in range(2)]
    new = ours.SGD if wrong == "nesterov" else ours.Adam
    optimizer = new([{"params": [each]} for each in parameters], **({"momentum": 0.9} if new is ours.SGD else {}))
    for each in parameters:
        each.grad = torch.randn(3)
    for _ in range(steps):
        optimizer.step()
    if wrong == "sparse":
        parameters[1].grad = torch.randn(3).to_sparse()
        words = r"gradients\[1\]\[0\] must be dense; its layout is torch.sparse_coo"
    else:
        group = optimizer.param_groups[1]
        bad: dict[str, Any] = {"rate": {"lr": -1.0}, "beta": {"betas": (1.0, 0.9)}, "nesterov": {"nesterov": True}}[
            wrong
        ]
        group |= bad | ({"dampening": 0.5} if wrong == "nesterov" else {})
        words = {
            "rate": r"lr of param_groups\[1\]",
            "beta": r"betas\[0\] of param_groups\[1\]",
            "nesterov": r"param_groups\[1\]: nesterov needs",
        }[wrong]
    before = snapshot(parameters, optimizer)
    with pytest.raises((TypeError, ValueError), match=words):
        optimizer.step()
    after = snapshot(parameters, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert before[1]["state"].keys() == after[1]["state"].keys()
    for i, each in before[1]["state"].items():
        assert all(torch.equal(value, after[1]["state"][i][key]) for key, value in each.items())
    # And it goes on when all is well again.
    if wrong == "sparse":
        parameters[1].grad = parameters[1].grad.to_dense()
        optimizer.step()
        assert not torch.equal(before[0][0], parameters[0])


def test_gradients_that_are_not_plain():
    """Negative views, and those that are part of a graph."""
    weight = torch.nn.Parameter(torch.zeros(3))
    weight.grad = torch.tensor([1 + 2j, 3 + 4j, 5 + 6j]).conj().imag
    assert weight.grad.is_neg()
    ours.SGD([weight], lr=1.0).step()
    assert weight.tolist() == [2, 4, 6]
    weight.grad = torch.ones(3, requires_grad=True)
    ours.SGD([weight], lr=1.0).step()
    assert weight.tolist() == [1, 3, 5]


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize(("name", "options"), [("SGD", {}), ("SGD", {"momentum": 0.9}), ("Adagrad", {"lr": 0.1})])
def test_sparse_gradients_of_the_classes_that_take_them(name, options):
    runs = []
    for module in (torch.optim, ours):
        torch.manual_seed(0)
        table = torch.nn.Embedding(6, 3, sparse=True)
        optimizer = getattr(module, name)(table.parameters(), **options)
        for rows in ([1, 4, 1], [0, 1], [5]):
            optimizer.zero_grad()
            table(torch.tensor(rows)).pow(2).sum().backward()
            assert table.weight.grad.is_sparse
            optimizer.step()
        runs.append(table.weight.detach())
    torch.testing.assert_close(*runs, rtol=2e-6, atol=1e-7)


def test_lazy_modules():
    ends = []
    for module in (torch.optim, ours):
        torch.manual_seed(0)
        layer = torch.nn.LazyLinear(3)
        optimizer = module.Adam(layer.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            layer(torch.ones(2, 4)).sum().backward()
            optimizer.step()
        ends.append(layer.weight.detach())
    torch.testing.assert_close(*ends, rtol=2e-6, atol=1e-7)


def test_a_tensor_that_repeats_an_element_is_refused():
    weight = torch.nn.Parameter(torch.ones(1).expand(3))
    weight.grad = torch.ones(3)
    with pytest.raises(ValueError, match=r"parameters\[0\]\[0\] must not have overlapping elements"):
        ours.SGD([weight]).step()


def test_gradients_of_another_shape_or_type_are_named():
    weight = torch.nn.Parameter(torch.ones(4, 2))
    optimizer = ours.SGD([weight], lr=0.5)
    weight.grad = torch.ones(4, 2)
    weight.data = weight.data[:2]
    with pytest.raises(ValueError, match=r"gradients\[0\]\[0\] has shape \(4, 2\); its parameter has shape \(2, 2\)"):
        optimizer.step()
    weight.grad = None
    weight.grad = torch.ones(2, 2)
    weight.data = weight.data.double()
    with pytest.raises(TypeError, match=r"gradients\[0\]\[0\] is torch.float32; its parameter is torch.float64"):
        optimizer.step()


def test_state_that_overlaps_is_refused():
    run = Run(ours, "Adam", {}, torch.float32)
    run.feed(1)
    states = [run.optimizer.state[each] for each in run.parameters]
    kept = states[1]["step"]
    states[1]["step"] = states[0]["step"]
    with pytest.raises(
        ValueError, match=r"'step' in the state of parameters\[0\]\[1\] overlaps 'step' in the state of"
    ):
        run.feed(1)
    states[1]["step"], states[0]["exp_avg"] = kept, run.parameters[0].data
    with pytest.raises(
        ValueError, match=r"'exp_avg' in the state of parameters\[0\]\[0\] overlaps parameters\[0\]\[0\]"
    ):
        run.feed(1)
