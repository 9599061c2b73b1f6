"""Optimizers by name and by config."""

from __future__ import annotations

import pytest
from gradstep import optimizers
from gradstep.optimizers.registry import classes


@pytest.mark.parametrize("name", sorted(classes()))
def test_every_class_is_public_and_found_by_name_in_any_case(name):
    cls = classes()[name]
    assert getattr(optimizers, cls.__name__) is cls
    assert cls.__name__ in optimizers.__all__
    for spelling in (name, name.upper(), cls.__name__):
        assert type(optimizers.get(spelling)) is cls
    assert optimizers.get(name).get_config() == cls().get_config()


def test_the_registry_is_closed():
    class Mine(optimizers.Optimizer):
        pass

    assert "mine" not in classes()
    with pytest.raises(ValueError, match=r"optimizer must be one of adabelief, adadelta, .*; got 'Mine'"):
        optimizers.deserialize({"class_name": "Mine", "config": {}})
    with pytest.raises(ValueError, match=r"got 'os\.system'"):
        optimizers.deserialize({"class_name": "os.system", "config": {}})


def test_get_takes_objects_and_dicts():
    optimizer = optimizers.RMSprop(0.5, name="mine")
    assert optimizers.get(optimizer) is optimizer
    again = optimizers.get(optimizers.serialize(optimizer))
    assert repr(again) == "RMSprop(learning_rate=0.5, rho=0.9, epsilon=1e-07, momentum=0.0, centered=False)"
    assert again.name == "mine"


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        ("adma", ValueError, "got 'adma'"),
        (None, TypeError, "optimizer must be a name, a dict or an Optimizer; got None"),
        (3, TypeError, "got an int"),
        (optimizers.Adam, TypeError, "optimizer must be an object; got the class Adam: call it"),
        ({}, ValueError, "config has no key 'class_name'"),
        ({"class_name": "Adam"}, ValueError, "config has no key 'config'"),
        ({"class_name": 3, "config": {}}, ValueError, "got 3"),
        ({"class_name": "Adam", "config": [1]}, TypeError, "config must be a dict"),
        ({"class_name": "Adam", "config": {"beta": 0.9}}, TypeError, "beta"),
        ({"class_name": "Adam", "config": {"beta_1": 1.0}}, ValueError, "beta_1 must be"),
    ],
)
def test_anything_else_is_refused(identifier, error, message):
    with pytest.raises(error, match=message):
        optimizers.get(identifier)


def test_serialize_and_deserialize_refuse_other_things():
    with pytest.raises(TypeError, match="optimizer must be an Optimizer; got a str"):
        optimizers.serialize("adam")
    with pytest.raises(TypeError, match=r"config must be a dict, as serialize.* gives; got a list of 1"):
        optimizers.deserialize([1])


def test_a_name_must_be_a_str():
    with pytest.raises(TypeError, match="name must be a str; got an int"):
        optimizers.Adam(name=3)
