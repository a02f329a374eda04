"""Reductions that leave out NaN: to second order against differences."""

import numpy as np

from dualtrain.core.dual import check_derivatives

WHOLE = np.arange(6).reshape(2, 3)

CASES = {
    np.nansum: [(lambda x: np.nansum(np.where(WHOLE == 2, np.nan, x), axis=0), (2, 3))],
    np.nanprod: [(lambda x: np.nanprod(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nancumsum: [(lambda x: np.nancumsum(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nancumprod: [(lambda x: np.nancumprod(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanmax: [(lambda x: np.nanmax(np.where(WHOLE == 2, np.nan, x), axis=0), (2, 3))],
    np.nanmin: [(lambda x: np.nanmin(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nanmean: [(lambda x: np.nanmean(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanvar: [(lambda x: np.nanvar(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanstd: [(lambda x: np.nanstd(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
}


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
