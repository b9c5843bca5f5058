"""The event kinds that models learn from, as small integers, and what each says about liking an item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = ("product_view", "product_click", "add_to_cart", "purchase")  # stored kinds index this tuple
KIND_OF = {kind: index for index, kind in enumerate(KINDS)}
KIND_WEIGHTS: NDArray[np.float32] = np.array([1.0, 1.0, 2.0, 3.0], dtype=np.float32)
PURCHASE = KIND_OF["purchase"]
