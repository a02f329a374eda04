"""The functions with no derivative to give: constant between jumps, or refused with a word on what to do instead."""

from typing import Any

import numpy as np

_INTEGERS_ONLY = "it works on integers or booleans, and a dual holds neither: take .primal and convert it"
_FILES = "files hold plain numbers: save .primal and .tangent apart"

CONSTANT_UFUNCS = {
    np.ceil, np.floor, np.trunc, np.rint, np.floor_divide, np.signbit, np.spacing,
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isfinite, np.isinf, np.isnan, np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
}  # fmt: skip

CONSTANT_FUNCTIONS = {
    np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.result_type, np.common_type, np.min_scalar_type,
    np.can_cast, np.shares_memory, np.may_share_memory, np.diag_indices_from, np.tril_indices_from,
    np.triu_indices_from, np.einsum_path, np.linalg.matrix_rank,
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.searchsorted, np.lexsort, np.digitize,
    np.all, np.any, np.allclose, np.isclose, np.array_equal, np.array_equiv, np.isin,
    np.isneginf, np.isposinf, np.iscomplex, np.isreal,
    np.round, np.around, np.fix, np.array_repr, np.array_str, np.array2string,
}  # fmt: skip

REFUSED_UFUNCS: dict[Any, str] = {
    ufunc: _INTEGERS_ONLY
    for ufunc in (
        np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert, np.left_shift, np.right_shift,
        np.gcd, np.lcm, np.isnat,
    )
}  # fmt: skip

REFUSED_FUNCTIONS: dict[Any, str] = {
    np.apply_over_axes: "call the function for each axis",
    np.histogram: "counts jump; sum a smooth kernel instead, or take .primal",
    np.histogram2d: "counts jump; sum a smooth kernel instead, or take .primal",
    np.histogramdd: "counts jump; sum a smooth kernel instead, or take .primal",
    np.histogram_bin_edges: "take np.linspace(np.min(x), np.max(x), bins + 1)",
    np.i0: "scipy.special.i0 has a rule",
    np.poly: "multiply the factors with np.polymul",
    np.polydiv: "solve for the quotient with np.linalg.solve",
    np.sort_complex: "complex numbers have no order to differentiate",
    np.intersect1d: "sets have no derivative: take np.unique, or .primal",
    np.setdiff1d: "sets have no derivative: take np.unique, or .primal",
    np.setxor1d: "sets have no derivative: take np.unique, or .primal",
    np.union1d: "join with np.concatenate, then take np.unique",
    np.unique_all: "take np.unique(x, return_index=True, return_inverse=True, return_counts=True)",
    np.unique_counts: "take np.unique(x, return_counts=True)",
    np.unique_inverse: "take np.unique(x, return_inverse=True)",
    np.linalg.eig: "eigenvectors have a free phase: take eigvals, or eigh for symmetric matrices",
    np.ix_: _INTEGERS_ONLY,
    np.packbits: _INTEGERS_ONLY,
    np.unpackbits: _INTEGERS_ONLY,
    np.ravel_multi_index: _INTEGERS_ONLY,
    np.unravel_index: _INTEGERS_ONLY,
    np.busday_count: _INTEGERS_ONLY,
    np.busday_offset: _INTEGERS_ONLY,
    np.is_busday: _INTEGERS_ONLY,
    np.datetime_as_string: _INTEGERS_ONLY,
    **{
        function: "it reads plain numbers: assign duals into np.zeros_like(dual), or take np.array([...], like=dual)"
        for function in (
            np.frombuffer,
            np.fromfile,
            np.fromfunction,
            np.fromstring,
            np.genfromtxt,
            np.loadtxt,
        )
    },
    np.save: _FILES,
    np.savez: _FILES,
    np.savez_compressed: _FILES,
    np.savetxt: _FILES,
}
REFUSED_MODULES = {
    "numpy.polynomial.polynomial": "np.polyval has a rule",
    "numpy.char": "a dual holds no text",
    "numpy.strings": "a dual holds no text",
    "numpy.lib.recfunctions": "a dual has no fields",
    "numpy.lib.scimath": "numpy.emath leaves the real line by itself: use astype(complex) and numpy's own",
}
