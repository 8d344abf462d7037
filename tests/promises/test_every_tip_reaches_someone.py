"""Promise 4: whatever the type, place, urgency and body accused, a lead or a staffed desk."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from itertools import islice, product

import pytest
import zen

from hotline.routing import compare, universe
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile, built_ins
from hotline.routing.route import Router
from hotline.routing.rules import Column, Facts, implicable
from hotline.routing.wordlists import TAGS
from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Decision,
    Language,
    Place,
    QueueKind,
    Tip,
    Urgency,
    queue_kind,
)

CASES = 10_000  # a profile, that the independent engine decides too
STATE = Place(None, "Rio de Janeiro", "BR-RJ", "BR", Certainty.PROBABLE)
ODD_PLACES = (
    Place(),
    STATE,
    Place(None, None, None, "BR", Certainty.PROBABLE),
    Place("BR:IBGE:3550308", "São Paulo", "BR-SP", "BR", Certainty.CERTAIN),
    Place("BR:IBGE:3301009", "Campos", "BR-RJ", "BR", Certainty.AMBIGUOUS),
    Place("BR:IBGE:3303302", "Niterói", "BR-RJ", "BR", Certainty.PROBABLE),
    Place("MX:INEGI:09007", "Iztapalapa", "MX-CMX", "MX", Certainty.CERTAIN),
    Place(None, None, None, "PY", Certainty.PROBABLE),
)


@pytest.fixture(scope="module")
def types() -> Types:
    return Types.load()


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


@pytest.fixture(scope="module", params=["br-rj", "br", "co"])
def router(request: pytest.FixtureRequest, types: Types) -> Router:
    profile = Profile.load(request.param)
    return Router.load(profile, types, Places.load(profile.country))


# One state of each country: key, number of its municipalities.
STATES = {"BR": ("BR-RJ", 92), "CO": ("CO-CUN", 116)}


def state(router: Router) -> Place:
    key, _ = STATES[router.profile.country]
    return Place(None, "the state", key, router.profile.country, Certainty.PROBABLE)


def towns(router: Router) -> list[Place]:
    """Every municipality of one state."""
    key, count = STATES[router.profile.country]
    found = [router.places.by_key(town) for town, _ in router.places.in_state(key)]
    assert len(found) == count
    return [place for place in found if place is not None]


def tip(
    code: str,
    place: Place,
    urgency: Urgency = Urgency.UNKNOWN,
    *,
    implicates: tuple[str, ...] = (),
    text: str = "",
) -> ClassifiedTip:
    one = Tip(
        channel=Channel.WEB, language=Language.PT, text=text, urgency=urgency, implicates=implicates
    )
    return ClassifiedTip(one, Classification((Act(code, 1.0),)), place)


def reaches_someone(router: Router, decision: Decision) -> bool:
    profile = router.profile
    bodies = [profile.agency(id) for id in (*decision.leads, *decision.copies)]
    inboxes = [body and profile.agency(profile.inbox(body.id)) for body in bodies]
    return (
        profile.queues[decision.queue].staffed
        and all(inbox is not None and inbox.receives for inbox in inboxes)
        and decision.deadline <= decision.priority.minutes
    )


def test_every_type_at_every_place_and_urgency_has_a_destination(router: Router) -> None:
    everywhere = (*towns(router), state(router), *ODD_PLACES)
    for kind, place, urgency in product(router.types, everywhere, Urgency):
        decision = router.decide(tip(kind.code, place, urgency))
        assert reaches_someone(router, decision), (kind.code, place.municipality, urgency)
        if urgency is Urgency.NOW:
            assert decision.priority == "P0"
        if urgency is Urgency.SOON:
            assert decision.priority <= "P1"


def test_where_the_place_is_known_somebody_is_named_for_every_type(router: Router) -> None:
    for kind, place in product(router.types, towns(router)):
        assert router.decide(tip(kind.code, place)).leads, (kind.code, place.municipality)


def test_each_municipality_leads_with_its_own_secretariat(types: Types, places: Places) -> None:
    router = Router.load(Profile.load("br-rj"), types, places)
    for key, _ in places.in_state("BR-RJ"):
        place = places.by_key(key)
        assert place is not None
        decision = router.decide(tip("ORG-01", place))
        assert decision.leads == (f"semsp-{key.rpartition(':')[2]}",)
        assert decision.queue == "general:BR-RJ"


def test_special_types_wait_at_the_special_desk_wherever_they_happened(router: Router) -> None:
    for kind, place in product(router.types, (towns(router)[0], *ODD_PLACES)):
        if kind.queue.special:
            queue = router.decide(tip(kind.code, place)).queue
            # FIN-05 and the like never become less protected: recusal only moves to integrity.
            assert queue_kind(queue) in (kind.queue, QueueKind.INTEGRITY)
            assert router.profile.queues[queue].certificate is not None


def test_a_tip_nobody_can_place_or_name_waits_at_a_staffed_desk(router: Router) -> None:
    for code in ("PUB-99", "ORG-01", "PRP-04"):
        decision = router.decide(tip(code, Place()))
        assert queue_kind(decision.queue) is QueueKind.UNRESOLVED
        assert decision.leads == ()
        assert router.profile.queues[decision.queue].staffed
    known = router.decide(tip("PUB-99", state(router)))
    assert queue_kind(known.queue) is QueueKind.UNRESOLVED
    assert known.leads in (("sesp-rj",), ("security@BR-RJ",), ("security@CO-CUN",))


def test_even_a_reporter_who_accuses_everyone_is_heard(router: Router) -> None:
    everyone = tuple(router.profile.agencies)
    decision = router.decide(tip("ORG-01", STATE, implicates=everyone))
    assert decision.queue == router.profile.desks[-1]
    assert decision.leads == () and decision.copies == ()
    assert any(ref.row == "everyone-recused" for ref in decision.rules)


@pytest.mark.parametrize("name", built_ins())
def test_an_independent_engine_reads_the_tables_the_same_way(name: str, types: Types) -> None:
    profile = Profile.load(name)
    router = Router.load(profile, types, Places.load(profile.country))
    chance = random.Random(f"oracle {router.profile.id}")
    engine, start, compared = zen.ZenEngine(), time.process_time(), 0
    draw = facts_at_random(router, chance)
    for table in router.rules:
        oracle = engine.create_decision(json.dumps(compare.jdm(table)))
        hit = set()
        for facts in islice(draw, CASES // len(list(router.rules))):
            asked = {c.name.lower(): sorted(facts[c]) for c in Column}
            row = table.first(facts)
            assert row is not None
            assert oracle.evaluate(asked)["result"] == {"row": row.id}, (table.name, asked)
            hit.add(row.id)
            compared += 1
        # An engine that always answers the last row would not pass.
        assert len(hit) > len(table.rows) * 0.8, table.name
    assert compared >= CASES
    print(f"{router.profile.id}: {compared} cases in {time.process_time() - start:.1f} s")


def facts_at_random(router: Router, chance: random.Random) -> Iterator[Facts]:
    """Cases of one to five acts, with tags, bodies and places of all kinds, known and unknown."""
    codes = [kind.code for kind in router.types]
    spots = [cell for _, cell in universe.place_classes(router.profile, router.rules)]
    rare = [cell for cell in spots if not any("-" in fact for fact in cell)]
    kinds = sorted(implicable(router.profile) - {"none", "any", "federal"})
    tags = sorted(TAGS | {"a tag nobody knows"})
    while True:
        some = chance.sample(kinds, chance.choice((1, 1, 2, 4)))
        federal = ["federal"] if chance.random() < 0.3 else []
        yield (
            frozenset(chance.sample(codes, chance.choice((1, 1, 1, 2, 3, 5)))),
            frozenset(chance.sample(tags, chance.choice((0, 0, 1, 2)))),
            chance.choice(rare if chance.random() < 0.3 else spots),
            frozenset({chance.choice(list(Urgency)).value}),
            frozenset({"none"} if chance.random() < 0.6 else {"any", *some, *federal}),
            frozenset({chance.random() < 0.3}),
            frozenset({chance.random() < 0.3}),
        )
