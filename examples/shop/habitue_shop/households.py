"""Real households to log in as: who they are by the data's demographics, and what they really buy.

Names are made up; ages, households and tastes are the data's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import duckdb

from habitue_shop.journey import history_lines, products, table

# A name for the household, and the department/category it must care about more than anybody else does.
_THEMES: tuple[tuple[str, str, str], ...] = (
    ("The Okafor family", "Baby & Kids", "A baby in the house"),
    ("Marta Lindqvist", "Natural & Wellbeing", "Natural food first"),
    ("Ray and Dolores Pike", "Pets", "The cats eat first"),
    ("The Bianchi household", "Fruit & Vegetables", "Cooks from fresh"),
    ("Theo Marchetti", "Wine, Beer & Spirits", "A cellar and a beer fridge"),
    ("The Novak family", "Frozen", "Dinner out of the freezer"),
    ("June Abernathy", "Bakery", "Bread, cake, and again cake"),
    ("Sam Adeyemi", "Drinks", "Never without a drink"),
    ("The Castellano family", "Meat & Fish", "The grill is always on"),
    ("Priya Raman", "Beauty & Care", "The bathroom shelf is full"),
    ("Walter Hoffmann", "Pantry", "A pantry for hard times"),
    ("Ines Moreau", "Dairy & Eggs", "Yogurt, cheese, milk, repeat"),
)


@dataclass(slots=True, frozen=True)
class Household:
    """Somebody to log in as. `favourites` are category labels, the most particular first."""

    user_id: str
    name: str
    motto: str
    age: str
    people: str
    income: str
    orders: int
    favourites: tuple[str, ...]

    @property
    def about(self) -> str:
        """Age and household in words."""
        return ", ".join(part for part in (self.age and f"Aged {self.age}", self.people) if part)


_BOUGHT = """
WITH place AS (
    SELECT unnest($items) AS item_id, unnest($departments) AS department, unnest($categories) AS category
),
known AS (
    SELECT household_id, basket_id, department, category
    FROM {history} JOIN place ON product_id::VARCHAR = item_id
),
bought AS (SELECT household_id, department, category, count(*) AS lines FROM known GROUP BY ALL),
shop AS (SELECT category, sum(lines) / sum(sum(lines)) OVER () AS share FROM bought GROUP BY category),
people AS (
    SELECT household_id, count(DISTINCT basket_id) AS orders FROM known GROUP BY household_id
    HAVING orders BETWEEN 30 AND 250
)
SELECT household_id::VARCHAR, age, household_comp, kids_count, income, orders, department, category, lines,
       lines::DOUBLE / sum(lines) OVER (PARTITION BY household_id) AS own_share, share
FROM bought JOIN people USING (household_id) JOIN {demographics} USING (household_id)
     JOIN shop USING (category)
"""


@cache
def households() -> tuple[Household, ...]:
    """One household per theme, each a different one. About a second, once per process."""
    known = products()
    with duckdb.connect() as connection:
        rows = connection.execute(
            _BOUGHT.format(history=history_lines(), demographics=table("demographics")),
            {
                "items": [product.item_id for product in known],
                "departments": [product.department for product in known],
                "categories": [product.category for product in known],
            },
        ).fetchall()
    shares: dict[str, dict[str, float]] = {}
    tastes: dict[str, list[tuple[float, str]]] = {}
    facts: dict[str, tuple[str, str, str, int]] = {}
    for user_id, age, people, kids, income, orders, department, category, lines, own, shop in rows:
        of = shares.setdefault(user_id, {})
        of[department] = of.get(department, 0.0) + own
        if lines >= 5:
            tastes.setdefault(user_id, []).append((own * min(own / shop, 12.0), category))
        facts[user_id] = (age or "", _people(people, kids), income or "", orders)
    chosen: list[Household] = []
    taken: set[str] = set()
    for name, department, motto in _THEMES:
        family = name.endswith(("family", "household"))
        couple = " and " in name

        def fits(user_id: str, family: bool = family, couple: bool = couple) -> bool:
            people = facts[user_id][1]
            return user_id not in taken and ("child" in people) == family and (not couple or "two" in people)

        best = max(filter(fits, sorted(shares)), key=lambda user_id: shares[user_id].get(department, 0.0))
        taken.add(best)
        age, people, income, orders = facts[best]
        favourites = tuple(dict.fromkeys(category for _, category in sorted(tastes[best], reverse=True)))[:4]
        chosen.append(
            Household(best, name, motto, age.replace("-", "\N{EN DASH}"), people, income, orders, favourites)
        )
    return tuple(chosen)


def household(user_id: str) -> Household | None:
    """One of the households that may log in, or None."""
    return next((found for found in households() if found.user_id == user_id), None)


def _people(composition: str | None, kids: str | None) -> str:
    adults = "two adults" if composition and composition.startswith("2") else "one adult"
    if not kids or kids in ("0", "None", "Unknown"):
        return adults
    number = {"1": "one child", "2": "two children"}.get(kids, "three or more children")
    return f"{adults}, {number}"


_USUAL = """
SELECT product_id::VARCHAR AS item_id, count(DISTINCT basket_id) AS times
FROM {history} WHERE household_id = $household
GROUP BY product_id ORDER BY times DESC, item_id LIMIT $limit
"""


def usual_items(user_id: str, limit: int = 60) -> list[tuple[str, int]]:
    """What a household bought most often, as far as the history knows: `(item_id, times)`. About 50 ms."""
    with duckdb.connect() as connection:
        return connection.execute(
            _USUAL.format(history=history_lines()), {"household": int(user_id), "limit": limit}
        ).fetchall()
