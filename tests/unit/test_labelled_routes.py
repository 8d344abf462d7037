"""Of the labelled tips none reaches a body of a kind it accuses, and none is called terrorism."""

from __future__ import annotations

import pytest

from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from tests.routing.labelled import tips

# The kinds of agencies that a kind of accused body may belong to.
KINDS = {
    "police": {"police", "security"},
    "guard": {"guard", "municipality"},
    "mayor": {"municipality", "guard"},
    "council": {"municipality", "legislature"},
    "prison": {"prison"},
    "health": {"health"},
    "school": {"education"},
    "customs": {"customs"},
    "court": {"court"},
}
TOLD = [tip for part in ("plain", "development") for tip in tips(part)]


@pytest.fixture(scope="module", params=["br-rj", "br"])
def router(request: pytest.FixtureRequest) -> Router:
    return Router.load(Profile.load(request.param), Types.load(), Places.load())


def test_no_accused_body_gets_a_labelled_tip(router: Router) -> None:
    accusing = [tip for tip in TOLD if KINDS.keys() & tip.implicated]
    assert len(accusing) > 180
    reached = []
    for tip in accusing:
        found = router.explain({"text": tip.text})
        got = [id for part in ("leads", "copies") for id in found[part]]  # type: ignore[attr-defined]
        kinds = {agency.kind for id in got if (agency := router.profile.agency(id))}
        assert len(kinds) > 0 or not got
        reached += [
            (tip.id, body, got) for body in tip.implicated if kinds & KINDS.get(body, set())
        ]
    assert not reached


def test_no_labelled_tip_is_called_terrorism(router: Router) -> None:
    only_people = {kind.code for kind in router.types if "human_only" in kind.flags}
    assert only_people
    for tip in TOLD:
        acts = router.types.classify(tip.text, router.profile.languages[0]).acts
        assert only_people.isdisjoint(act.code for act in acts), tip.id
