"""Functions whose result does not change with small changes of their arguments: they give plain arrays."""

import numpy as np

CONSTANT_UFUNCS = {
    np.ceil, np.floor, np.trunc, np.rint, np.sign, np.floor_divide, np.signbit, np.spacing,
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isfinite, np.isinf, np.isnan, np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
}  # fmt: skip

CONSTANT_FUNCTIONS = {
    np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type,
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.searchsorted, np.lexsort, np.digitize,
    np.all, np.any, np.allclose, np.isclose, np.array_equal, np.array_equiv,
    np.isneginf, np.isposinf, np.iscomplex, np.isreal, np.round, np.around, np.fix,
}  # fmt: skip
