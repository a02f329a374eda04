"""Functions that join, split, fill up and widen: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives

CUTS = [1, 2]

CASES = {
    np.concatenate: [
        (lambda x, y: np.concatenate([x, y, np.ones((1, 3))]), (2, 3), (3, 3)),
        (lambda x, y: np.concatenate((x, y), axis=-1), (2, 3), (2, 1)),
        (lambda x, y: np.concatenate((x, y), axis=None), (2, 3), (3,)),
    ],
    np.stack: [(lambda x, y: np.stack([x, y, np.zeros(3)], axis=1), (3,), (3,))],
    np.vstack: [(lambda x, y: np.vstack([x, y]), (3,), (2, 3))],
    np.hstack: [(lambda x, y: np.hstack([x, y]), (3,), (2,)), (lambda x, y: np.hstack([x, y]), (2, 3), (2, 1))],
    np.dstack: [(lambda x, y: np.dstack([x, y]), (2, 3), (2, 3))],
    np.column_stack: [(lambda x, y: np.column_stack([x, y]), (3,), (3, 2))],
    np.block: [(lambda x, y: np.block([[x, np.zeros((2, 1))], [np.ones((1, 2)), y]]), (2, 2), (1, 1))],
    np.append: [(np.append, (2, 3), (2,)), (lambda x, y: np.append(x, y, axis=0), (2, 3), (1, 3))],
    np.insert: [
        (lambda x, v: np.insert(x, 1, v), (3,), ()),
        (lambda x, v: np.insert(x, -1, v, axis=1), (2, 3), (2,)),
        (lambda x, v: np.insert(x, 1, v, axis=0), (2, 3), (3,)),
    ],
    np.split: [(lambda x: np.split(x, 3), (6,)), (lambda x: np.split(x, CUTS, axis=1), (2, 4))],
    np.array_split: [(lambda x: np.array_split(x, 3), (5,))],
    np.hsplit: [(lambda x: np.hsplit(x, 2), (2, 4)), (lambda x: np.hsplit(x, CUTS), (4,))],
    np.vsplit: [(lambda x: np.vsplit(x, 2), (4, 2))],
    np.dsplit: [(lambda x: np.dsplit(x, 2), (2, 3, 4))],
    np.unstack: [(lambda x: np.unstack(x, axis=1), (2, 3))],
    np.broadcast_arrays: [(np.broadcast_arrays, (3,), (2, 1))],
    np.meshgrid: [
        (np.meshgrid, (2,), (3,)),
        (lambda x, y: np.meshgrid(x, y, indexing="ij", sparse=True), (2,), (3,)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


@pytest.mark.parametrize("options", [{}, {"sparse": True}, {"sparse": True, "copy": False}])
def test_grids_are_copies_unless_views_are_asked_for(options):
    x, y = np.arange(3.0), np.arange(3.0)
    d = DualTensor(y, np.ones(3))
    np.meshgrid(x, x, **options)[0][...] = 5
    np.meshgrid(d, d, **options)[0][...] = 5
    assert d.primal.tolist() == x.tolist()
    assert d.tangent.tolist() == (np.ones(3) if x[0] == 0 else np.zeros(3)).tolist()
