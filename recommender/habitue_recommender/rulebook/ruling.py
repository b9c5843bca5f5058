"""One request held against the rulebook. Pure.

Conditions on page, visitor and time are asked here, once for all slots of the request; what is left of the
rules for one slot is a `SlotRuling`.
"""

from __future__ import annotations

from habitue_collector.exposures import mark
from habitue_collector.profile import Exposure, Profile
from habitue_recommender.assignment import share_of
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.catalog import DAY, Catalog
from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Asked
from habitue_recommender.explain.trace import Step, Trace
from habitue_recommender.page import Page
from habitue_recommender.rulebook.acting import Acting
from habitue_recommender.rulebook.acts import Acts
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.contents import PREFIX, Content
from habitue_recommender.rulebook.looking import look
from habitue_recommender.rulebook.rules import Cap
from habitue_recommender.rulebook.slot_ruling import SlotRuling
from habitue_recommender.rulebook.standing import CompiledRule, Here, Standing
from habitue_recommender.rulebook.stretches import Looked
from habitue_recommender.rulebook.validity import ALWAYS, Moment
from habitue_recommender.slots import Slot
from habitue_recommender.visitor import HOUR


class Ruling:
    """One request before the rulebook. `profile` is None when nothing of the visitor may be used."""

    def __init__(
        self,
        rulebook: Rulebook,
        page: Page,
        profile: Profile | None,
        catalog: Catalog,
        now: int,
        salt: bytes,
        new_since: int | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.rulebook = rulebook
        self.catalog = catalog
        self.now = now
        self.trace = trace
        self.viewed = catalog.get(page.item_id) if page.item_id else None
        self.page = page
        self.asked = Asked(
            page,
            profile,
            now,
            zone=rulebook.zone,
            segments=lambda: rulebook.segments_of(profile, now),
            viewed=self.viewed,
            new_since=new_since,
        )
        self._visitor_id = profile.profile_id if profile is not None else None
        self._salt = salt
        self._moment = Moment.of(now, rulebook.zone)
        self._held: dict[int, bool] = {}
        self._acting: dict[int, Acting] = {}
        self._worn: dict[Cap, dict[str, Exposure]] = {}  # what was in view often enough
        self._acts: dict[tuple[int, bool, str], tuple[Here, Acts | None]] = {}
        self._looked: dict[tuple[int, int], Looked] = {}
        self._placed: set[str] = set()  # contents of this page
        rulebook.item_sets.follow(catalog)

    def of(self, slot: Slot, candidates: Candidates, holdout: bool = False) -> SlotRuling | None:
        """What holds in this slot; None when nothing does."""
        asked = self.asked.for_slot(slot.id)
        here = self.rulebook.rules_of(slot.id, self.page.type)
        contents = {} if holdout else self._contents(slot, asked)
        acts = self._acts_of(here, asked, holdout)
        if acts is None:
            if not contents:
                return None
            acts = Acts(self, asked, Standing(), (), holdout)
        return SlotRuling(self, slot, candidates, asked, acts, contents)

    def _acts_of(self, here: Here, asked: Asked, holdout: bool) -> Acts | None:
        """What the rules come to that can act here; once for all slots in which the same ones can."""
        key = (id(here), holdout, asked.slot if here.reads_slot else "")
        if key in self._acts:
            return self._acts[key][1]
        acting = [
            self._act(one, asked)
            for one in here.rules
            if ((one.promotes and not holdout) or one.restricts) and self._is_held(one, asked)
        ]
        standing = here.standing
        acts: Acts | None = None
        if acting or standing.restricting or (standing.lifts and not holdout):
            acts = Acts(self, asked, standing, acting, holdout)
        self._acts[key] = here, acts
        return acts

    def _is_held(self, one: CompiledRule, asked: Asked) -> bool:
        if one.reads_slot:
            return self._holds(one, asked)
        known = self._held.get(one.number)
        if known is None:
            known = self._held[one.number] = self._holds(one, asked)
        return known

    def _holds(self, one: CompiledRule, asked: Asked) -> bool:
        rule = one.rule
        if rule.validity is not ALWAYS and not rule.validity.holds(self._moment):
            return False
        if rule.share < 1.0 and not self._draws(f"rule:{rule.id}", rule.share):
            return False
        return one.request is None or one.request(asked, None)

    def _draws(self, purpose: str, share: float) -> bool:
        """Whether this visitor is in a share of all; somebody without an id is in none."""
        visitor_id = self._visitor_id
        return visitor_id is not None and share_of(self._salt, purpose, visitor_id) < share

    def _act(self, one: CompiledRule, asked: Asked) -> Acting:
        acting = None if one.reads_slot else self._acting.get(one.number)
        if acting is None:
            acting = self._acting[one.number] = Acting(one, asked)
        return acting

    def _contents(self, slot: Slot, asked: Asked) -> dict[int, Content]:
        """The contents of a slot by position: of those that want one place, the first that may have it."""
        found: dict[int, Content] = {}
        for content in self.rulebook.contents_of(slot.id):
            if content.position in found or content.id in self._placed or content.position > slot.size:
                continue
            if content.validity is not ALWAYS and not content.validity.holds(self._moment):
                continue
            if content.share < 1.0 and not self._draws(f"content:{content.id}", content.share):
                continue
            if content.condition is not None and not content.condition.test(asked, None):
                continue
            seen = self.seen(PREFIX + content.id) if content.cap is not None else None
            if content.cap is not None and seen is not None and self.is_enough(content.cap, seen):
                if self.trace is not None:
                    self.trace.note(slot.id, Step.CAP, content.item.item_id, content.cap.told(seen.count))
                continue
            found[content.position] = content
            self._placed.add(content.id)
        return found

    def looked_at(self, acts: Acts, asked: Asked, items: list[Item], scores: list[float]) -> Looked:
        """What these rules say to a source's candidates; once for all slots of the request."""
        key = (id(acts), id(items))
        known = self._looked.get(key)
        if (
            known is None
            or known.items is not items
            or known.scores is not scores
            or len(known.ids) != len(items)
        ):
            known = self._looked[key] = look(acts, self.rulebook.item_sets, asked, items, scores)
        return known

    def seen_enough(self, one: Acting, asked: Asked) -> dict[str, Exposure]:
        """What a rule's cap keeps from this visitor."""
        cap = one.rule.consequence.cap
        if cap is None:
            return {}
        worn = self._worn.get(cap)
        if worn is None:
            worn = {item_id: seen for item_id, seen in self.exposures.items() if self.is_enough(cap, seen)}
            self._worn[cap] = worn
        if one.is_for_all or not worn:
            return worn
        bits_of, items = self.rulebook.item_sets.bits, self.catalog.items
        known = ((items[item_id], seen) for item_id, seen in worn.items() if item_id in items)
        return {item.item_id: seen for item, seen in known if one.means(bits_of(item), asked, item)}

    @property
    def exposures(self) -> dict[str, Exposure]:
        exposures: dict[str, Exposure] = self.asked.value("exposures")
        return exposures

    @property
    def earlier(self) -> dict[str, Exposure]:
        """What was in view before those, by its mark."""
        earlier: dict[str, Exposure] = self.asked.value("earlier_exposures")
        return earlier

    def seen(self, item_id: str) -> Exposure | None:
        """How often this was in view, and when last."""
        seen = self.exposures.get(item_id)
        return self.earlier.get(mark(item_id)) if seen is None and self.earlier else seen

    def is_enough(self, cap: Cap, seen: Exposure) -> bool:
        """Whether it was in view often enough. Days are counted by the hour: an hour's answers agree."""
        return seen.count >= cap.impressions and seen.last > self.now - self.now % HOUR - cap.days * DAY
