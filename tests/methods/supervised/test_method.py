import numpy as np
import pytest

from raydist.data.training_set import Truth
from raydist.errors import DataError
from raydist.methods.method import MethodContext
from raydist.methods.registry import METHODS, method_class
from raydist.methods.supervised.method import Supervised, SupervisedParams


def test_it_needs_every_identity(context):
    with pytest.raises(DataError, match="identity of every training tracklet"):
        Supervised(SupervisedParams(), context).stages()


def test_classes_are_numbered_from_zero(context):
    known = MethodContext(
        context.tracklets,
        context.clustering,
        context.num_identities,
        2,
        truth=Truth(np.repeat([70, 5, 9], 4)),
    )
    (stage,) = Supervised(SupervisedParams(), known).stages()
    assert stage.classes.tolist() == [2] * 4 + [0] * 4 + [1] * 4
    assert Supervised(SupervisedParams(), known).modules(8)["classifier"].weight.shape == (3, 8)


def test_it_alone_is_supervised():
    assert [name for name in METHODS if method_class(name).supervised] == ["supervised"]
