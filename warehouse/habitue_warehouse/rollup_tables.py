"""What the rollups hold, and the SQL that makes one day of them from the archive (strings only).

| table | a row counts, for one `hour` (ms, UTC) | by |
|---|---|---|
| `traffic` | events | `source, kind, kept, bot` |
| `visits` | people and sessions, of the hour or (`span` = `day`) of its UTC day | `span` |
| `orders` | purchases and refunds | `currency` |
| `top_items` | the 100 items most viewed, put into carts or bought in that hour | `item_id` |
| `items` | one item on one UTC day (`hour` is its midnight) | `item_id` |
| `offers` | what slots showed, and what became of it | `slot, variant, holdout, currency` |
| `names` | events by their sender's name, on one UTC day | `kind, name` |
| `properties` | in how many of the sampled events of a name a property was | `kind, name, property, type` |
| `rejects` | events refused (written by `reject_counts`) | `reason` |

No row names a person: no profile, visitor, session, order or decision id stands in any of them.
"""

from __future__ import annotations

from typing import Final

from habitue_collector.order_lines import LINE

HOUR_MS: Final = 3_600_000
CLICK_WINDOW_DAYS: Final = 7  # an order counts for an offer that its buyer clicked so many days before it
TOP_ITEMS: Final = 100
MAX_NAMES: Final = 500  # event names kept a day
SAMPLED_EVENTS: Final = 400  # of each name, for the properties

# What an event is said to carry beside its properties: the archive's own columns.
FIELDS: Final = ("items", "order_id", "value", "currency", "search_term", "user_id")

_HOUR = f"(timestamp // {HOUR_MS}) * {HOUR_MS}"

# Column names and types of each table: what an empty one is read as.
ROLLUPS: Final[dict[str, dict[str, str]]] = {
    "traffic": {
        "hour": "BIGINT", "source": "VARCHAR", "kind": "VARCHAR", "kept": "VARCHAR", "bot": "BOOLEAN",
        "events": "BIGINT",
    },
    "visits": {"hour": "BIGINT", "span": "VARCHAR", "visitors": "BIGINT", "sessions": "BIGINT"},
    "orders": {
        "hour": "BIGINT", "currency": "VARCHAR", "orders": "BIGINT", "revenue": "DOUBLE",
        "quantity": "DOUBLE", "refunds": "BIGINT", "refunded": "DOUBLE",
    },
    "top_items": {
        "hour": "BIGINT", "item_id": "VARCHAR", "views": "BIGINT", "carts": "BIGINT", "quantity": "DOUBLE",
        "orders": "BIGINT", "revenue": "DOUBLE", "currency": "VARCHAR",
    },
    "items": {
        "hour": "BIGINT", "item_id": "VARCHAR", "views": "BIGINT", "carts": "BIGINT", "quantity": "DOUBLE",
        "orders": "BIGINT", "revenue": "DOUBLE", "currency": "VARCHAR",
    },
    "offers": {
        "hour": "BIGINT", "slot": "VARCHAR", "variant": "VARCHAR", "holdout": "BOOLEAN",
        "currency": "VARCHAR", "decisions": "BIGINT", "offers": "BIGINT", "viewed": "BIGINT",
        "clicked": "BIGINT", "orders": "BIGINT", "bought": "BIGINT", "revenue": "DOUBLE",
    },
    "names": {
        "hour": "BIGINT", "kind": "VARCHAR", "name": "VARCHAR", "events": "BIGINT", "sampled": "BIGINT",
        **{f"with_{field}": "BIGINT" for field in FIELDS},
    },
    "properties": {
        "hour": "BIGINT", "kind": "VARCHAR", "name": "VARCHAR", "property": "VARCHAR", "type": "VARCHAR",
        "events": "BIGINT",
    },
    "rejects": {"hour": "BIGINT", "reason": "VARCHAR", "events": "BIGINT"},
}  # fmt: skip

TRAFFIC: Final = f"""
SELECT {_HOUR} AS hour, coalesce(source, '') AS source, kind, coalesce(kept, '') AS kept, bot,
    count(*) AS events
FROM happened GROUP BY ALL ORDER BY ALL
"""

VISITS: Final = f"""
WITH people AS (
    SELECT profile_id, session_id, timestamp FROM happened WHERE profile_id IS NOT NULL AND NOT bot
), begun AS (
    SELECT min(timestamp) AS timestamp FROM people WHERE session_id IS NOT NULL GROUP BY session_id
), visitors AS (
    SELECT {_HOUR} AS hour, count(DISTINCT profile_id) AS visitors FROM people GROUP BY ALL
), sessions AS (
    SELECT {_HOUR} AS hour, count(*) AS sessions FROM begun GROUP BY ALL
)
SELECT hour, 'hour' AS span, coalesce(visitors, 0) AS visitors, coalesce(sessions, 0) AS sessions
FROM visitors FULL JOIN sessions USING (hour)
UNION ALL
SELECT $day, 'day', (SELECT count(DISTINCT profile_id) FROM people), (SELECT count(*) FROM begun)
ORDER BY span, hour
"""

# One row for each order of the day, whoever told of it: the collector knows an order again for ever, but
# not one that was only counted, so of equal numbers the one with a profile is taken. Where it names no items,
# they may have come line by line, from the same person.
BOUGHT: Final = f"""
CREATE OR REPLACE TEMP TABLE bought AS
WITH lines AS (
    SELECT order_id, profile_id, list(item ORDER BY log_ms, log_seq) AS items FROM (
        SELECT order_id, profile_id, items[1] AS item, log_ms, log_seq FROM happened
        WHERE kind = 'custom' AND name = '{LINE}' AND order_id IS NOT NULL AND len(items) > 0 AND NOT bot
        QUALIFY row_number() OVER (
            PARTITION BY order_id, profile_id, items[1].item_id ORDER BY log_ms, log_seq) = 1
    ) GROUP BY ALL
), told AS (
    SELECT h.* REPLACE (if(len(h.items) > 0, h.items, l.items) AS items)
    FROM happened h LEFT JOIN lines l
        ON l.order_id = h.order_id AND l.profile_id IS NOT DISTINCT FROM h.profile_id
    WHERE kind = 'purchase' AND NOT bot AND NOT coalesce(order_known, false)
)
SELECT order_id, profile_id, timestamp, coalesce(currency, '') AS currency,
    coalesce(value, list_sum([coalesce(i.price, 0) * coalesce(i.quantity, 1) FOR i IN items]), 0) AS value,
    coalesce(items, []) AS items
FROM told
QUALIFY order_id IS NULL
    OR row_number() OVER (PARTITION BY order_id ORDER BY profile_id IS NULL, log_ms, log_seq, bucket) = 1
"""

ORDERS: Final = f"""
WITH told AS (
    SELECT {_HOUR} AS hour, currency, 1 AS orders, value AS revenue, 0 AS refunds, 0.0 AS refunded,
        coalesce(list_sum([coalesce(i.quantity, 1) FOR i IN items]), 0) AS quantity
    FROM bought
    UNION ALL
    SELECT {_HOUR}, coalesce(currency, ''), 0, 0.0, 1, coalesce(value, 0), 0
    FROM happened WHERE kind = 'refund' AND NOT bot AND NOT coalesce(order_known, false)
)
SELECT hour, currency, sum(orders)::BIGINT AS orders, sum(revenue)::DOUBLE AS revenue,
    sum(quantity)::DOUBLE AS quantity, sum(refunds)::BIGINT AS refunds, sum(refunded)::DOUBLE AS refunded
FROM told GROUP BY ALL ORDER BY ALL
"""

SHELF: Final = f"""
CREATE OR REPLACE TEMP TABLE shelf AS
WITH told AS (
    SELECT {_HOUR} AS hour, unnest(items) AS item, '' AS currency, 0 AS bought,
        (kind = 'product_view')::INTEGER AS views, (kind = 'add_to_cart')::INTEGER AS carts
    FROM happened WHERE kind IN ('product_view', 'add_to_cart') AND NOT bot
    UNION ALL
    SELECT {_HOUR}, unnest(items), currency, 1, 0, 0 FROM bought
)
SELECT hour, item.item_id AS item_id, sum(views)::BIGINT AS views, sum(carts)::BIGINT AS carts,
    sum(bought * coalesce(item.quantity, 1))::DOUBLE AS quantity, sum(bought)::BIGINT AS orders,
    sum(bought * coalesce(item.quantity, 1) * coalesce(item.price, 0))::DOUBLE AS revenue,
    max(currency) AS currency
FROM told WHERE item.item_id IS NOT NULL GROUP BY hour, item.item_id
"""

TOP: Final = f"""
SELECT * FROM shelf QUALIFY
    row_number() OVER (PARTITION BY hour ORDER BY views DESC, item_id) <= {TOP_ITEMS}
    OR (quantity > 0 AND row_number() OVER (PARTITION BY hour ORDER BY quantity DESC, item_id) <= {TOP_ITEMS})
    OR (carts > 0 AND row_number() OVER (PARTITION BY hour ORDER BY carts DESC, item_id) <= {TOP_ITEMS})
ORDER BY hour, item_id
"""

ITEMS: Final = """
SELECT $day AS hour, item_id, sum(views)::BIGINT AS views, sum(carts)::BIGINT AS carts,
    sum(quantity)::DOUBLE AS quantity, sum(orders)::BIGINT AS orders, sum(revenue)::DOUBLE AS revenue,
    max(currency) AS currency
FROM shelf GROUP BY item_id ORDER BY item_id
"""

_OF_OFFER = (
    "SELECT DISTINCT kind, json_extract_string(properties, '$.decision_id') AS decision_id, "
    "json_extract_string(properties, '$.item_id') AS item_id"
)

# What was seen and clicked counts once for a decision and an item, and only for decisions that were made:
# what a browser says by itself changes no figure.
OFFERS: Final = f"""
WITH told AS (
    {_OF_OFFER}, min(timestamp) AS timestamp FROM happened
    WHERE kind IN ('offer_impression', 'offer_click') AND NOT bot AND properties IS NOT NULL GROUP BY ALL
), answered AS (
    SELECT {_HOUR} AS hour, slot, variant, holdout, count(*) AS decisions, sum(len(offers)) AS offers
    FROM decided WHERE today AND NOT bot GROUP BY ALL
), seen AS (
    SELECT {_HOUR.replace("timestamp", "told.timestamp")} AS hour, slot, variant, holdout,
        count(*) FILTER (kind = 'offer_impression') AS viewed,
        count(*) FILTER (kind = 'offer_click') AS clicked
    FROM told JOIN decided USING (decision_id) GROUP BY ALL
), followed AS (
    SELECT {_HOUR} AS hour, slot, variant, holdout, currency, count(*) AS orders,
        count(*) FILTER (matched > 0) AS bought, sum(matched) AS revenue
    FROM led GROUP BY ALL
), every AS (
    SELECT hour, slot, variant, holdout, '' AS currency, decisions, offers, 0 AS viewed, 0 AS clicked,
        0 AS orders, 0 AS bought, 0.0 AS revenue FROM answered
    UNION ALL SELECT hour, slot, variant, holdout, '', 0, 0, viewed, clicked, 0, 0, 0.0 FROM seen
    UNION ALL SELECT hour, slot, variant, holdout, currency, 0, 0, 0, 0, orders, bought, revenue FROM followed
)
SELECT hour, slot, coalesce(variant, '') AS variant, coalesce(holdout, false) AS holdout, currency,
    sum(decisions)::BIGINT AS decisions, sum(offers)::BIGINT AS offers, sum(viewed)::BIGINT AS viewed,
    sum(clicked)::BIGINT AS clicked, sum(orders)::BIGINT AS orders, sum(bought)::BIGINT AS bought,
    sum(revenue)::DOUBLE AS revenue
FROM every GROUP BY ALL ORDER BY ALL
"""

# Orders of people who clicked an offer before: one row for each order and slot, with the last click's
# variant. `matched`: what the clicked items themselves brought in that order.
LED: Final = f"""
CREATE OR REPLACE TEMP TABLE led AS
WITH buyers AS (SELECT DISTINCT profile_id FROM bought WHERE profile_id IS NOT NULL),
clicks AS (
    SELECT profile_id, timestamp AS clicked_at,
        json_extract_string(properties, '$.decision_id') AS decision_id,
        json_extract_string(properties, '$.item_id') AS item_id
    FROM lately WHERE kind = 'offer_click' AND profile_id IN (SELECT profile_id FROM buyers)
)
SELECT b.order_id, d.slot, any_value(b.timestamp) AS timestamp, any_value(b.currency) AS currency,
    arg_max(d.variant, c.clicked_at) AS variant, arg_max(d.holdout, c.clicked_at) AS holdout,
    list_sum([coalesce(i.price, 0) * coalesce(i.quantity, 1)
        FOR i IN any_value(b.items) IF list_contains(list(c.item_id), i.item_id)]) AS matched
FROM bought b JOIN clicks c USING (profile_id) JOIN decided d USING (decision_id)
WHERE c.clicked_at <= b.timestamp AND c.clicked_at > b.timestamp - {CLICK_WINDOW_DAYS * 24 * HOUR_MS}
GROUP BY b.order_id, b.profile_id, d.slot
"""

NAMES: Final = f"""
CREATE OR REPLACE TEMP TABLE named AS
SELECT kind, left(name, 100) AS name, count(*) AS events,
    count(*) FILTER (len(items) > 0) AS with_items,
    {", ".join(f"count({field}) AS with_{field}" for field in FIELDS[1:])}
FROM happened WHERE NOT bot GROUP BY ALL ORDER BY events DESC, kind, name LIMIT {MAX_NAMES}
"""

SAMPLE: Final = f"""
SELECT kind, n.name, h.properties
FROM happened h JOIN named n USING (kind) WHERE n.name = left(h.name, 100) AND NOT bot
    AND hash(h.log_ms, h.log_seq, h.bucket) % greatest(1, n.events // {SAMPLED_EVENTS}) = 0
"""
