"""What two hundred rules cost a decision; the figure itself is `python -m bench --only rules`."""

from __future__ import annotations

from rules_cost import ITEM_RULES, MIXED_RULES, OWN_SLOTS, SLOTS, VISITOR_RULES, Scene, measure


def test_two_hundred_rules_cost_a_decision_a_few_milliseconds() -> None:
    scene = Scene(items=8_000, visitors=12)
    assert len(scene.rulebook.active) == VISITOR_RULES + ITEM_RULES + MIXED_RULES == 200
    # Aim: 3 ms. Ratios travel better than milliseconds; a call for each rule and candidate costs 50 times.
    for slots, most in ((SLOTS, 9), (OWN_SLOTS, 11)):
        cost = measure(scene, rounds=6, slots=slots)
        print(f"2 slots of 500: {cost.without:.2f} ms without rules, {cost.ruled:.2f} with 200, of CPU")
        assert cost.touched > 50
        assert cost.ratio < most


def test_a_rule_that_does_not_act_here_costs_next_to_nothing() -> None:
    scene = Scene(items=8_000, visitors=12)
    rulebook = scene.rulebook
    scene.rulebook = rulebook.compile(
        {
            "rule": {
                f"r{number}": {
                    "condition": {"slots": ["elsewhere"], "when": f"item.price > visitor.visits + {number}"},
                    "consequence": {"boost": 2},
                }
                for number in range(200)
            }
        },
        settings=scene.settings,
    )
    scene.check = lambda decisions, ruled: None  # type: ignore[method-assign]  # no rule acts
    assert measure(scene, rounds=6).ratio < 1.6
