"""Route: where a tip goes, how soon, and who must not learn of it.

Jurisdiction is data, exceptions are tables, recusal comes before both. For every tip there is a
lead or a staffed desk, and no lead, copy or desk belongs to an implicated body, stands under one
or receives through one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from math import inf
from typing import TypeVar

from hotline.clock import Clock
from hotline.routing import prove, recusal, rules
from hotline.routing.classify import REMOVED, Types
from hotline.routing.explain import Request, answer
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.rules import Facts, Row, Rules
from hotline.routing.tables import Problem, RuleFileProblem
from hotline.tips import (
    Act,
    Certainty,
    ClassifiedTip,
    Decision,
    Place,
    Priority,
    Question,
    QueueKind,
    Recusal,
    RowRef,
    Tip,
    Urgency,
)

ESCALATED = RowRef("recusal", "escalated")
DESK_RECUSED = RowRef("recusal", "desk-recused")
EVERYONE_RECUSED = RowRef("recusal", "everyone-recused")
SECOND_READER = "review"
SURE = (Certainty.CERTAIN, Certainty.PROBABLE)

_EVIDENT = 0.48  # a secondary act below this is a hint, not yet a reason to change desks
_REMEMBERED = 50_000  # entries of each memo; none holds words, so forgetting is only for space
_ORDER = tuple(Priority)
_Value = TypeVar("_Value")
# Codes that recuse, tags, bodies named, whether one of them is unknown, bodies heard in the words.
_Implied = tuple[tuple[str, ...], frozenset[str], tuple[str, ...], bool, frozenset[str]]
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the tables say, before anyone is recused."""

    priority: Priority
    queue: str
    deadline: int
    lead: tuple[str, ...]
    copies: tuple[str, ...]
    automatic: bool
    rows: tuple[RowRef, ...]


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place as the rules see it. ``facts`` names the municipality only if a rule does."""

    facts: frozenset[str]
    scopes: tuple[str, ...]
    sure: bool


@dataclass(slots=True)
class Router:
    """Decides for one profile. ``load`` proves the rules before the first tip."""

    profile: Profile
    types: Types
    places: Places
    rules: Rules
    cues: recusal.Cues
    clock: Clock
    day: date
    until: float
    _tags: frozenset[str]
    _kinds: Mapping[str, QueueKind]
    _priorities: Mapping[str, Priority]
    _named_places: frozenset[str]
    _decisions: dict[object, Decision] = field(default_factory=dict, repr=False)
    _plans: dict[object, _Plan] = field(default_factory=dict, repr=False)
    _spots: dict[object, _Spot] = field(default_factory=dict, repr=False)
    _reach: dict[object, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _recused: dict[object, tuple[Recusal, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls, profile: Profile, types: Types, places: Places, clock: Clock | None = None
    ) -> Router:
        """Reads and proves rules.toml and recusal.toml. Raises RuleFileProblem with every
        problem: cells not understood, dead rows, gaps, destinations nobody can reach."""
        problems: list[Problem] = []
        tables = rules.read(profile, types, problems)
        cues = recusal.read(profile, (kind.code for kind in types), problems, types.grammar)
        if problems:
            raise RuleFileProblem(problems)
        router = cls.of(profile, types, places, tables, cues, clock or Clock(profile.zone))
        problems = router.check()
        if problems:
            raise RuleFileProblem(problems)
        return router

    @classmethod
    def of(
        cls,
        profile: Profile,
        types: Types,
        places: Places,
        tables: Rules,
        cues: recusal.Cues,
        clock: Clock,
    ) -> Router:
        """A router that has not been proved."""
        tags = frozenset(t for table in tables for t in table.values(rules.Column.TAG))
        day = date.fromisoformat(clock.day())
        return cls(
            profile,
            types,
            places,
            tables,
            cues,
            clock,
            day,
            _horizon(profile, day),
            frozenset({*tags, *cues.by_tag}),
            {kind.code: kind.queue for kind in types},
            {kind.code: kind.priority for kind in types},
            frozenset(p for t in tables for p in t.values(rules.Column.PLACE) if ":" in p),
        )

    def check(self) -> list[Problem]:
        """Everything the tables prove wrong; empty for a sound profile. Exact, and quick enough
        for every start."""
        return prove.check(self.profile, self.types, self.rules, self.cues, self.places, self.day)

    def decide(self, classified: ClassifiedTip) -> Decision:
        """Where this tip goes. Never raises for a tip; depends on nothing but the tip, the
        profile and the day."""
        tip, told, place = classified.tip, classified.classification, classified.place
        if self.clock.source() >= self.until:
            self._new_day()
        tags = _NONE
        if told.tags or tip.tags:
            tags = self._tags.intersection(told.tags + tip.tags)
        implied = self._implied(classified, tags)
        acts = self._weighty(told.acts)
        held, threats = bool(tip.held or tip.doubts), bool(told.threats)
        spot = (place.municipality, place.state, place.country, place.certainty)
        key = (acts, tags, spot, tip.urgency, implied, held, threats)
        decision = self._decisions.get(key)
        if decision is None:
            recused = self._recusals(implied, place) if implied else ()
            plan = self._plan(acts, tags, self._spot(place), tip.urgency, recused, held, threats)
            decision = self._carry_out(plan, self._spot(place), recused)
            _remember(self._decisions, key, decision)
        return decision

    def _new_day(self) -> None:
        """A body's validity began or ended: forget what was decided before."""
        self.day = date.fromisoformat(self.clock.day())
        self.until = _horizon(self.profile, self.day)
        for memo in (self._decisions, self._plans, self._spots, self._reach, self._recused):
            memo.clear()

    def _spot(self, place: Place) -> _Spot:
        key = (place.municipality, place.state, place.country, place.certainty)
        spot = self._spots.get(key)
        if spot is None:
            facts = frozenset(
                fact
                for fact in places_of(self.profile, place)
                if ":" not in fact or fact in self._named_places
            )
            scopes = recusal.scopes_of(self.profile, place)
            spot = _Spot(facts, scopes, place.certainty is Certainty.CERTAIN)
            _remember(self._spots, key, spot)
        return spot

    def _implied(self, classified: ClassifiedTip, tags: frozenset[str]) -> _Implied | None:
        """All of a tip that may recuse anybody, without its words."""
        tip, by_type = classified.tip, self.cues.by_type
        named: tuple[str, ...] = ()
        unknown = False
        if tip.implicates:
            named, unknown = recusal.resolve(self.profile, tip.implicates)
        heard = self.cues.heard(tip.words if tip.answers else tip.text)
        acts = classified.classification.acts
        codes = tuple([act.code for act in acts if act.code in by_type])
        if not (named or unknown or heard or codes or tags):
            return None
        return codes, tags, named, unknown, heard

    def _recusals(self, implied: _Implied, place: Place) -> tuple[Recusal, ...]:
        key = (implied, place.municipality, place.state, place.country, place.certainty)
        found = self._recused.get(key)
        if found is None:
            found = recusal.recused(self.profile, self.cues, *implied, place, self.day)
            _remember(self._recused, key, found)
        return found

    def _plan(
        self,
        acts: tuple[str, ...],
        tags: frozenset[str],
        spot: _Spot,
        urgency: Urgency,
        recused: tuple[Recusal, ...],
        held: bool,
        threats: bool,
    ) -> _Plan:
        implicated = self._implicated(recused)
        key = (acts, tags, spot.facts, urgency, implicated, held, threats)
        plan = self._plans.get(key)
        if plan is not None:
            return plan
        facts: Facts = (
            frozenset(acts),
            tags,
            spot.facts,
            frozenset({urgency.value}),
            implicated,
            frozenset({held}),
            frozenset({threats}),
        )
        desk = _first(self.rules.queue, facts)
        narrow: Facts = (frozenset({self._deciding(acts, desk)}), *facts[1:])
        priority, urgent = self._priority(acts, facts)
        review = _first(self.rules.review, facts)
        target = _first(self.rules.destination, narrow)
        forward = _first(self.rules.automatic, narrow)
        forbidden = held or threats or recused or review.then.second_reader
        special = self.profile.queues[desk.then.queue].kind.special
        plan = _Plan(
            priority,
            desk.then.queue,
            min(priority.minutes, desk.then.deadline or priority.minutes),
            target.then.lead,
            target.then.copies,
            forward.then.automatic and not forbidden and not special,
            tuple(RowRef(row.table, row.id) for row in (urgent, review, desk, target, forward)),
        )
        _remember(self._plans, key, plan)
        return plan

    def _carry_out(self, plan: _Plan, spot: _Spot, recused: tuple[Recusal, ...]) -> Decision:
        if recused:
            return self._steer_clear(plan, spot, recused)
        leads = self._bodies(plan.lead, spot)
        return Decision(
            priority=plan.priority,
            queue=plan.queue,
            leads=leads,
            copies=tuple(id for id in self._bodies(plan.copies, spot) if id not in leads),
            rules=plan.rows,
            deadline=plan.deadline,
            automatic=plan.automatic and spot.sure and bool(leads),
            version=self.profile.version,
        )

    def _steer_clear(self, plan: _Plan, spot: _Spot, recused: tuple[Recusal, ...]) -> Decision:
        """The plan without any recused body, what stands under one or receives through one."""
        roots = frozenset(one.agency for one in recused)
        under = self.profile.under
        queue, moved = self._desk(plan.queue, roots)
        leads = tuple(id for id in self._bodies(plan.lead, spot) if not under(id, roots))
        escalated: tuple[RowRef, ...] = ()
        if not leads:
            leads, escalated = self._overseer(roots), (ESCALATED,)
        copies = (id for id in self._bodies(plan.copies, spot) if not under(id, roots))
        return Decision(
            priority=plan.priority,
            queue=queue,
            leads=leads,
            copies=tuple(id for id in copies if id not in leads),
            recused=recused,
            rules=(*plan.rows, *moved, *escalated),
            deadline=plan.deadline,
            automatic=False,
            version=self.profile.version,
        )

    def _weighty(self, acts: tuple[Act, ...]) -> tuple[str, ...]:
        """The acts that choose desk and destination: the first, the evident ones, and integrity
        acts however faint, because a recusal too many costs only a minute."""
        if len(acts) == 1:
            return (acts[0].code,)
        return tuple(
            [
                act.code
                for at, act in enumerate(acts)
                if at == 0 or act.score >= _EVIDENT or self._kinds[act.code] is QueueKind.INTEGRITY
            ]
        )

    def _deciding(self, acts: tuple[str, ...], desk: Row) -> str:
        """The act whose destination counts: the one that chose the desk, else the first special
        one, else the first."""
        kind = self.profile.queues[desk.then.queue].kind
        for code in acts:
            if self._kinds[code] is kind:
                return code
        return next((code for code in acts if self._kinds[code].special), acts[0])

    def _priority(self, acts: tuple[str, ...], facts: Facts) -> tuple[Priority, Row]:
        row = _first(self.rules.priority, facts)
        most, least = row.then.at_most, row.then.at_least
        capped = row.cell(rules.Column.ACT) or frozenset(acts)
        base = min(
            max(
                _ORDER.index(self._priorities[code]),
                _ORDER.index(most) if most and code in capped else 0,
            )
            for code in acts
        )
        return _ORDER[min(base, _ORDER.index(least)) if least else base], row

    def _implicated(self, recused: tuple[Recusal, ...]) -> frozenset[str]:
        if not recused:
            return frozenset({"none"})
        bodies = [body for one in recused if (body := self.profile.agency(one.agency))]
        federal = all(body.level == "country" and not body.stands_for for body in bodies)
        kinds = {body.kind for body in bodies}
        return frozenset({"any", *kinds, *(("federal",) if federal else ())})

    def _desk(self, wanted: str, roots: frozenset[str]) -> tuple[str, tuple[RowRef, ...]]:
        """The desk wanted, or the first of the profile's that no recused body holds. If a
        reporter accuses every body there is, the last one, the key custodians', stays."""
        queues, under = self.profile.queues, self.profile.under
        if not roots or not under(queues[wanted].agency, roots):
            return wanted, ()
        for desk in self.profile.desks:
            if not under(queues[desk].agency, roots):
                return desk, (DESK_RECUSED,)
        return self.profile.desks[-1], (DESK_RECUSED, EVERYONE_RECUSED)

    def _overseer(self, roots: frozenset[str]) -> tuple[str, ...]:
        """The first independent body above the recused ones that is not recused itself."""
        for id in recusal.overseers(self.profile, roots, self.day):
            if not self.profile.under(id, roots):
                return (id,)
        return ()

    def _bodies(self, specs: tuple[str, ...], spot: _Spot) -> tuple[str, ...]:
        if not specs:
            return ()
        key = (specs, spot.scopes)
        found = self._reach.get(key)
        if found is None:
            ids = (prove.reach(self.profile, spec, spot.scopes, self.day) for spec in specs)
            found = tuple(dict.fromkeys(id for id in ids if id is not None))
            _remember(self._reach, key, found)
        return found

    def locate(self, tip: Tip) -> Place:
        """The place of a tip's event: the municipality chosen from a list, else the answer to
        "where", else what its words say, else what those said that were removed: who tells where
        they live or work mostly tells of that place."""
        told = self.find(tip.words, tip.answers.get(Question.WHERE), tip.municipality)
        heard = self.places.by_key(tip.heard_place) if tip.heard_place else None
        if heard is None or told.certainty in SURE:
            return told
        return replace(heard, certainty=Certainty.PROBABLE, reasons=(REMOVED,))

    def find(self, tip_words: str, where: str | None, municipality: str | None) -> Place:
        """As ``locate``, by words alone."""
        if municipality:
            chosen = self.places.by_key(municipality)
            if chosen is not None:
                return chosen
        best = Place()
        state = self.profile.state
        if where:
            best = self.places.answer(where, state=state)
            if best.certainty in SURE:
                return best
        told = self.places.find(tip_words, state=state) if tip_words else Place()
        return best if _rank(best) >= _rank(told) and where else told

    def explain(self, request: Mapping[str, object]) -> dict[str, object]:
        """A decision and its reasons in the shape of `hotline route explain`. Raises BadInput
        for a request of another shape."""
        asked = Request.read(request, self.types, self.profile.languages[0])
        told = self.types.classify(asked.text, asked.language, chosen=asked.crime_types)
        place = self.find(asked.text, asked.where, asked.municipality)
        return answer(told, place, self.decide(ClassifiedTip(asked.tip(), told, place)))


def needs_second_reader(decision: Decision, tables: Rules) -> bool:
    """Whether two people must agree before this tip is closed (threats, lives at stake)."""
    row = next((ref.row for ref in decision.rules if ref.table == SECOND_READER), "")
    return any(one.then.second_reader for one in tables.review.rows if one.id == row)


def places_of(profile: Profile, place: Place) -> frozenset[str]:
    """What the column ``place`` may ask for: municipality, state, and how well it is known."""
    municipality, state = recusal.known(profile, place)
    if municipality and state:
        return frozenset({municipality, state, "here"})
    if state:
        return frozenset({state, "state"})
    if place.country not in (None, profile.country):
        return frozenset({"abroad"})
    return frozenset({"elsewhere" if place.state else "unknown"})


def _remember(memo: dict[object, _Value], key: object, value: _Value) -> None:
    if len(memo) >= _REMEMBERED:
        memo.clear()
    memo[key] = value


def _first(table: rules.Table, facts: Facts) -> Row:
    row = table.first(facts)
    assert row is not None  # the last row has no cells: proved at load
    return row


def _rank(place: Place) -> int:
    order = (Certainty.NONE, Certainty.AMBIGUOUS, Certainty.PROBABLE, Certainty.CERTAIN)
    return order.index(place.certainty)


def _horizon(profile: Profile, day: date) -> float:
    """The instant at which the next validity begins or ends, in seconds since 1970."""
    coming = profile.changes(day)
    if not coming:
        return inf
    return datetime.combine(coming[0], time(), profile.zone).astimezone(UTC).timestamp()
