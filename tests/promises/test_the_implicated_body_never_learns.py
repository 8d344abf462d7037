"""Promise 5: an implicated body, what stands under it and what receives through it get nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator

import pytest

from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Agency, Profile, find
from hotline.routing.route import Router
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

FORESEEN = re.compile(r"implicated|INT-|\\[\"integrity\"\\]")
RIO = "BR:IBGE:3304557"
NITEROI = "BR:IBGE:3303302"
# Two towns of one state, the first of them where things happen.
TOWNS = {"BR": (RIO, NITEROI), "CO": ("CO:DANE:25754", "CO:DANE:25899")}


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


@pytest.fixture(scope="module", params=["br-rj", "br", "co"])
def careless(
    request: pytest.FixtureRequest,
    types: Types,
    tmp_path_factory: pytest.TempPathFactory,
) -> Router:
    """The same bodies under rules whose author forgot that anyone could ever be implicated: what
    keeps a body out is then recusal alone."""
    folder = tmp_path_factory.mktemp("careless") / request.param
    shutil.copytree(find(request.param), folder)
    blocks = (folder / "rules.toml").read_text(encoding="utf-8").split("\n\n")
    kept = [one for one in blocks if "[[destination.row]]" not in one or not FORESEEN.search(one)]
    assert len(kept) < len(blocks) - 5
    (folder / "rules.toml").write_text("\n\n".join(kept), encoding="utf-8")
    profile = Profile.load(folder)
    return Router.load(profile, types, Places.load(profile.country))


@pytest.fixture(scope="module")
def rio(types: Types, places: Places) -> Router:
    return Router.load(Profile.load("br-rj"), types, places)


def tip(
    codes: Iterable[str],
    place: Place,
    *,
    implicates: tuple[str, ...] = (),
    text: str = "",
    urgency: Urgency = Urgency.UNKNOWN,
    tags: tuple[str, ...] = (),
) -> ClassifiedTip:
    one = Tip(
        channel=Channel.WEB, language=Language.PT, text=text, urgency=urgency, implicates=implicates
    )
    acts = tuple(Act(code, 0.9) for code in codes)
    return ClassifiedTip(one, Classification(acts, tags), place)


def told(profile: Profile, decision: Decision) -> set[str]:
    """Everyone who learns of the tip, worked out here from parents and inboxes alone."""
    direct = {*decision.leads, *decision.copies, profile.queues[decision.queue].agency}
    everyone = set(direct)
    for id in direct:
        body = profile.agency(id)
        while body is not None and body.via is not None:
            everyone.add(body.via)
            body = profile.agency(body.via)
    return everyone


def above(profile: Profile, id: str) -> Iterator[str]:
    body = profile.agency(id)
    while body is not None:
        yield body.id
        body = profile.agency(body.parent) if body.parent else None


def leaks(profile: Profile, decision: Decision, implicated: Iterable[str]) -> set[str]:
    roots = set(implicated)
    return {one for one in told(profile, decision) if roots & set(above(profile, one))}


def town(router: Router) -> Place:
    place = router.places.by_key(TOWNS[router.profile.country][0])
    assert place is not None
    return place


def home(profile: Profile, body: Agency) -> Place:
    if ":" in body.jurisdiction:
        state = profile.state_of(body.jurisdiction)
        return Place(body.jurisdiction, None, state, profile.country, Certainty.CERTAIN)
    if "-" in body.jurisdiction:
        return Place(None, None, body.jurisdiction, profile.country, Certainty.PROBABLE)
    return Place()


def bodies(profile: Profile) -> list[Agency]:
    """Every body written out, and all that one municipality of each state implies."""
    found = dict(profile.agencies)
    for key, _ in profile.samples():
        for one in profile.municipal(key):
            found.setdefault(one.id, one)
    for town in TOWNS[profile.country]:
        for one in profile.municipal(town):
            found.setdefault(one.id, one)
    return list(found.values())


def test_no_body_that_is_named_learns_of_any_type_of_tip(router: Router) -> None:
    profile = router.profile
    here = town(router)
    would_have_known = 0
    for body in bodies(profile):
        for place in (home(profile, body), here, Place()):
            for kind in router.types:
                plain = router.decide(tip([kind.code], place))
                decision = router.decide(tip([kind.code], place, implicates=(body.id,)))
                assert not leaks(profile, decision, (body.id,)), (body.id, kind.code, place)
                assert queue_kind(decision.queue) is QueueKind.INTEGRITY
                assert profile.queues[decision.queue].staffed
                assert not decision.automatic
                would_have_known += bool(leaks(profile, plain, (body.id,)))
    assert would_have_known > 1_000  # without recusal these tips would have reached them


def test_recusal_does_not_depend_on_careful_rules(careless: Router) -> None:
    profile = careless.profile
    here = town(careless)
    over, through = 0, 0
    local = [
        one for one in bodies(profile) if one.level != "state" or one.jurisdiction == here.state
    ]
    for body in local:
        for kind in careless.types:
            plain = careless.decide(tip([kind.code], here))
            decision = careless.decide(tip([kind.code], here, implicates=(body.id,)))
            assert not leaks(profile, decision, (body.id,)), (body.id, kind.code)
            assert bool(decision.leads) >= bool(plain.leads), (body.id, kind.code)
            kept_out = {*plain.leads, *plain.copies} - {*decision.leads, *decision.copies}
            over += bool(kept_out - {body.id})
            through += any(profile.inbox(one) == body.id != one for one in kept_out)
    assert over > 100  # bodies under the named one were kept out
    assert through > 3  # and bodies that receive through it


def test_every_pair_of_named_bodies_leaves_a_desk_that_is_neither(rio: Router) -> None:
    profile = rio.profile
    ids = [a.id for a in profile.agencies.values() if a.level != "municipality"]
    place = Place(None, None, "BR-RJ", "BR", Certainty.PROBABLE)
    for first in ids:
        for second in ids:
            decision = rio.decide(tip(["ORG-01"], place, implicates=(first, second)))
            assert not leaks(profile, decision, (first, second)), (first, second)


def test_police_acts_keep_all_police_of_the_place_out(router: Router) -> None:
    profile = router.profile
    here = town(router)
    state = Place(None, None, here.state, here.country, Certainty.PROBABLE)
    for place in (here, Place(), state):
        for code in ("INT-01", "INT-02"):
            for other in ("ORG-01", "GBV-01", "TIP-01", "CHD-01", "ENV-03"):
                for urgency in Urgency:
                    decision = router.decide(tip([other, code], place, urgency=urgency))
                    kinds = {
                        up.kind for id in told(profile, decision) for up in profile.ancestors(id)
                    }
                    assert not kinds & {"police", "security"}, (code, other, decision)
                    assert decision.leads


def test_municipal_corruption_keeps_that_municipality_out(rio: Router, places: Places) -> None:
    for key, _ in places.in_state("BR-RJ"):
        place = places.by_key(key)
        assert place is not None
        decision = rio.decide(tip(["INT-03", "ENV-07", "ORG-01"], place))
        assert not leaks(rio.profile, decision, [one.id for one in rio.profile.municipal(key)])
        assert [one.agency for one in decision.recused] == [f"prefeitura-{key[-7:]}"]


def test_when_the_municipality_is_not_certain_every_municipality_is_kept_out(rio: Router) -> None:
    guess = Place(RIO, None, "BR-RJ", "BR", Certainty.PROBABLE)
    decision = rio.decide(tip(["INT-03"], guess))
    assert "municipios-rj" in {one.agency for one in decision.recused}
    assert not leaks(rio.profile, decision, ("municipios-rj",))


def test_words_alone_are_enough_when_nobody_says_which_body(router: Router) -> None:
    here = town(router)
    for text in (
        "Tem tráfico aqui e a polícia está envolvida.",
        "Os PMs do batalhão recebem arrego todo mês",
        "la policía está metida en esto",
        "the cops are on the payroll of the gang",
        "la police ferme les yeux",
        "lapolis pran lajan nan men yo",
    ):
        decision = router.decide(tip(["ORG-01"], here, text=text))
        kinds = {
            up.kind for id in told(router.profile, decision) for up in router.profile.ancestors(id)
        }
        assert not kinds & {"police", "security"}, text
        assert queue_kind(decision.queue) is QueueKind.INTEGRITY


def test_a_leak_by_the_line_itself_goes_to_a_desk_outside_it(rio: Router) -> None:
    decision = rio.decide(
        tip(["INT-05"], Place(), text="O disque denúncia vazou: vazaram minha denúncia")
    )
    assert decision.queue == "integrity:BR"
    assert not leaks(rio.profile, decision, ("central-rj",))


def test_a_body_that_receives_through_an_implicated_one_gets_nothing(
    types: Types, places: Places
) -> None:
    router = Router.load(Profile.load("br"), types, places)
    place = places.by_key(NITEROI)
    assert place is not None
    secretariat = f"security@{NITEROI}"
    assert router.decide(tip(["ORG-01"], place)).leads == (secretariat,)
    assert router.profile.inbox(secretariat) == "security@BR-RJ"
    decision = router.decide(tip(["ORG-01"], place, implicates=("security@BR-RJ",)))
    assert secretariat not in {*decision.leads, *decision.copies}
