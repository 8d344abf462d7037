"""What an operator checks before deciding: ticks are sealed with the tip, and count for nothing."""

from __future__ import annotations

import re

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.routing import checking
from hotline.routing.checking import ChecklistProblem, checks_for, load
from hotline.routing.classify import type_groups
from hotline.tips import Language
from hotline.web.i18n import say
from tests.conftest import MovableClock
from tests.journeys.test_undo import Desk

BEATEN = "Meu vizinho bate na mulher dele todo dia na rua das Flores em Niterói, RJ"
CHECK = """[[check]]
id = "{id}"
for = ["{group}"]
[check.say]
pt = "a"
es = "a"
en = "a"
fr = "a"
ht = "{ht}"
"""


@pytest.fixture
def desk(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Desk:
    return Desk(public_line, staff_line, clock)


def test_every_group_of_types_that_an_operator_may_see_has_a_list() -> None:
    for code, group in type_groups().items():
        ids = [check.id for check in checks_for([code])]
        assert len(ids) == len(set(ids)) >= 3
        assert (group in ("GENERAL", "REVIEW")) == (ids == [c.id for c in checks_for([])])


def test_each_check_is_short_and_in_five_languages() -> None:
    for check in checking.table():
        for language in Language:
            assert 2 <= len(check.words[language].split()) <= 20


@pytest.mark.parametrize(
    "text",
    [
        CHECK.format(id="a", group="*", ht="a") * 2,
        CHECK.format(id="a", group="NOBODY", ht="a"),
        CHECK.format(id="a", group="*", ht=""),
        CHECK.format(id="", group="*", ht="a"),
    ],
)
def test_a_table_with_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(ChecklistProblem):
        load(text)


def test_ticks_stay_with_the_tip_and_nowhere_in_clear(desk: Desk) -> None:
    desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()

    def ticked() -> set[str]:
        found = re.findall(r'name="check" value="([a-z-]+)" checked', hand.html)
        return set(found)

    assert ticked() == set()
    bodies = len(desk.staff.tips.bodies(bytes.fromhex(tip)))
    hand.post(f"/tips/{tip}/check", check=["place-clear", "armed", "nobody-knows-this"])
    assert ticked() == {"place-clear", "armed"}
    assert "place-clear" not in str(desk.rest())
    hand.post(f"/tips/{tip}/check", check=["armed"])
    assert ticked() == {"armed"}
    assert len(desk.staff.tips.bodies(bytes.fromhex(tip))) == bodies + 1, "one note, written over"
    assert desk.events().count("checked") == 2
    # What does not apply to the type now stays known if the type comes back.
    hand.post(f"/tips/{tip}/correct", type="PUB-01", place="Niterói, RJ")
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/check", check=["place-clear"])
    assert ticked() == {"place-clear"}
    hand.post(f"/tips/{tip}/correct", type="ORG-01", place="Niterói, RJ")
    hand.get(f"/tips/{tip}")
    assert ticked() == {"place-clear", "armed"}


def test_questions_about_danger_are_an_aid_and_say_that_nobody_reviewed_them(desk: Desk) -> None:
    desk.told(BEATEN)
    hand = desk.hand("gabi")
    tip = hand.next()
    assert desk.staff.tips.one(bytes.fromhex(tip)).queue.startswith("gbv")
    asked = hand.html[hand.html.index('id="asked-title"') :].split("</section>")[0]
    assert "É seguro responder mais agora?" in asked
    assert asked.count(say(Language.PT, "not yet reviewed by a specialist")) == 2
    assert not re.search(r"\d", re.sub(r"<[^>]+>", "", asked)), "no number that looks like a score"
