"""The page on privacy: its figures are the line's own, in five languages, and no answer is lost
on the way to it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.intake.notice import LAWS, figures
from hotline.intake.sessions import MemorySessions, Session
from hotline.routing.profile import Profile, built_ins
from hotline.routing.retention import built_in
from hotline.store.tables import DeadlineRow
from hotline.tips import Language
from hotline.web.i18n import NATIVE, say
from tests.conftest import MovableClock
from tests.forms import ENGLISH, Page, Walk, app_of

WEIGHT = 12_288  # bytes, with the stylesheet: as light as the first page


@pytest.fixture
def client(public_line: PublicLine) -> FlaskClient:
    return app_of(public_line).test_client()


def words(client: FlaskClient, language: str = "en") -> str:
    return Page(client.get(f"/privacy?language={language}").text).words


def test_its_figures_are_those_of_the_rules_in_force(public_line: PublicLine) -> None:
    """A line that keeps reports for other months says so without another change."""
    profile, own = public_line.profile, built_in()
    assert figures(profile.retention).most == own.longest
    keeps = tuple(replace(keep, months=min(keep.months, 7) + 2) for keep in own.keeps)
    short = replace(own, keeps=keeps, longest=9)
    client = app_of(replace(public_line, profile=replace(profile, retention=short))).test_client()
    least = min(keep.months for keep in keeps)
    assert f"{least} to 9 months" in words(client)
    assert "60 months" not in words(client)


def test_what_it_says_of_memory_is_so(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    """After the hours and days on the page nothing of it is known any more, nor a minute longer."""
    said = figures(public_line.profile.retention)
    sessions = MemorySessions(clock)
    key = sessions.key("sms", "line", "number")
    began = Session.new(Language.PT, clock.seconds())
    assert began.touched(clock.seconds() + 10**6).due <= clock.seconds() + said.talk * 3600
    sessions.put(key, began)
    staff_line.tips.add(staff_line.once.mark("a message", b"answer"))
    clock.advance(said.mark * 3600)
    assert sessions.key("sms", "line", "number").name != key.name
    clock.advance((said.code * 24 - said.mark) * 3600)
    staff_line.once.forget()
    assert staff_line.once.recall("a message") is None
    assert [*public_line.settings.public.glob("day-*.key")] == [
        public_line.settings.public / f"day-{clock.day()}.key"
    ]


@pytest.mark.parametrize("language", list(Language))
def test_it_speaks_every_language_and_weighs_as_little_as_the_first_page(
    client: FlaskClient, language: Language
) -> None:
    answer = client.get("/privacy", headers={"Accept-Language": language.tag})
    with client.get("/static/public.css") as style:
        assert len(answer.data) + len(style.data) <= WEIGHT
    page = Page(answer.text)
    assert f'<html lang="{language.tag}">' in page.html
    assert say(language, "What we cannot delete") in page.words
    assert not re.search(r"<(script|style|svg|img|iframe|form)|style=|https?://", page.html)
    assert not re.search("crime|hotline|denúncia", page.title, re.IGNORECASE)
    for each in NATIVE:
        assert f'href="/privacy?language={each.value}"' in page.html


def test_it_is_the_same_for_everybody(client: FlaskClient) -> None:
    answers = [client.get("/privacy?language=en", headers=ENGLISH) for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert "Set-Cookie" not in answers[0].headers
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_it_is_found_where_nothing_was_answered_and_nowhere_else(client: FlaskClient) -> None:
    """A page carries the answers so far: whoever follows a link from there loses them, and a
    second tab would stay open behind somebody who leaves in a hurry."""
    walk = Walk(client)
    assert 'href="/privacy?language=en"' in walk.page.html
    walk.press("language=ht")
    assert 'href="/privacy?language=ht"' in walk.page.html
    assert 'href="/privacy' in client.get("/follow-up").text
    walk = Walk(client)
    for _ in range(8):
        walk.press("go=skip", what="Vendem drogas na praça")
        assert "/privacy" not in walk.page.html


def test_the_law_and_who_answers_are_those_of_the_line(public_line: PublicLine) -> None:
    profile = public_line.profile
    assert LAWS["BR"].name in words(app_of(public_line).test_client())
    told = replace(profile, data_contact="Secretaria X <x@example.org>", country="CO")
    page = words(app_of(replace(public_line, profile=told)).test_client())
    assert "Ley 1581 de 2012" in page and "LGPD" not in page
    assert "Secretaria X <x@example.org>" in page, "and escaped, or it would be markup"
    abroad = words(
        app_of(replace(public_line, profile=replace(profile, country="HT"))).test_client()
    )
    assert "In many countries" in abroad and "complain" not in abroad


def test_every_country_of_a_built_in_profile_has_its_law() -> None:
    assert {Profile.load(name).country for name in built_ins()} <= LAWS.keys()


def test_the_guide_for_lines_goes_through_the_same_laws() -> None:
    """Each law that the page names has a part there, with its number and who watches over it."""
    guide = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
    parts = re.split(r"^### ", guide.partition("## By country")[2], flags=re.M)[1:]
    for law in LAWS.values():
        (number,) = re.findall(r"\d[\d./]*\d|LGPDPPSO", law.name)[:1]
        (part,) = [one for one in parts if number in one]
        assert law.authority in part
    assert len(parts) == len(LAWS)


def test_the_page_admits_what_a_deadline_tells(
    public_line: PublicLine, client: FlaskClient
) -> None:
    """While nobody has decided, the database holds when it is due, so about when it came."""
    walk = Walk(client)
    walk.to_check(what="Vendem drogas na praça em Niterói, RJ")
    walk.press("go=send")
    with public_line.database.read() as connection:
        assert connection.execute(select(DeadlineRow.due_at)).scalars().all()
    assert "about when they came" in words(client)
