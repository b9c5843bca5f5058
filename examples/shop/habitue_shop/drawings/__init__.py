"""The drawings of the product tiles: SVG fragments on a board of 200 by 200, one per kind of thing.

Colours are letters in braces, filled in per product: {a} the brand's colour, {d} its shade, {l} its light,
{k} a contrasting accent, {w} paper white, {i} ink; produce has colours of its own. `{m}` is the brand's mark.
"""

from __future__ import annotations

from habitue_shop.drawings.fresh import FRESH
from habitue_shop.drawings.kitchen import KITCHEN
from habitue_shop.drawings.packages import PACKAGES
from habitue_shop.drawings.things import THINGS

DRAWINGS: dict[str, str] = {**PACKAGES, **FRESH, **KITCHEN, **THINGS}
