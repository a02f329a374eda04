"""Names for what layers and losses pass on."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
"""An array of one float dtype."""
Tensor: TypeAlias = Any
"""An `Array`, or a DualTensor over one: the same NumPy functions take both, and answer in kind."""
Labels: TypeAlias = NDArray[Any]
"""Class numbers `(N,)`, or one row for each sample `(N, C)`, such as one-hot."""
