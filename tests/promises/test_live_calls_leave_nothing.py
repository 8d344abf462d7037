"""Promises 1 and 2 for live calls: before "Send" nothing that was typed is anywhere; after it
nothing that stripping removed, not even inside what was sealed."""

from __future__ import annotations

import pytest

from hotline.clock import Clock
from tests.calls import Call
from tests.desk import Office
from tests.promises.canaries import Aviary
from tests.promises.test_nobody_learns_who_reported import World, opened, world

__all__ = ["world"]
FIELDS = ("what", "where", "spot", "when", "who", "more", "detail-drugs-how", "detail-drugs-guns")


def fill(birds: Aviary) -> dict[str, str]:
    """A canary in every field there is, and in some there are not."""
    text = "Venda de drogas {0}, meu nome é {0}"
    odd = ("call", "before", "municipality", "crime_type", "urgency", "website", "detail-gbv-safe")
    typed = {name: text.format(birds.word(name)) for name in FIELDS}
    return typed | {name: birds.word(f"odd {name}") for name in odd}


@pytest.mark.usefixtures("world")
def test_what_was_typed_and_not_sent_is_nowhere(world: World) -> None:
    hand = Office.of(world.staff)("paulo")
    call = Call(hand, "pt")
    typed = fill(world.birds)
    assert call.marks(**typed).status_code == 200
    call.typed |= typed
    call.press()
    assert typed["what"] in call.html
    call.press("send", what="x" * 20_001)  # refused
    call.typed |= typed
    hand.client.post("/calls/marks", data={**call.typed, "token": "0" * 32})
    hand.client.post("/calls/new", data={**call.typed, "token": "0" * 32, "go": "send"})
    hand.client.post("/calls/restart", data={**call.typed, "token": hand.token})
    hand.client.get("/sign-in")
    world.work()
    assert len(world.birds.planted) == len(typed)
    assert world.birds.found(world.everything()) == []


@pytest.mark.usefixtures("world")
def test_what_was_removed_is_nowhere_after_it_was_sent(world: World, clock: Clock) -> None:
    birds = world.birds
    hand = Office.of(world.staff)("paulo")
    call = Call(hand, "es")
    number, name = birds.number("own number"), birds.word("own name", "Marisoledad Quintanilla")
    mail = birds.word("own mail") + "@example.org"
    call.press(
        "send",
        what=f"Venden drogas en la plaza. Me llamo {name}, mi número es {number}.",
        where="Niterói, RJ",
        spot=f"junto a la plaza, mi teléfono es {number}",
        more=f"Mi correo es {mail}",
    )
    assert call.receipt
    birds.word("receipt", call.receipt)
    birds.word("receipt as shown", " ".join(call.receipt[n : n + 4] for n in range(0, 20, 4)))
    call.press("send")
    assert birds.found(world.everything()) == [], "before the jobs"
    world.work()
    assert birds.found(world.everything()) == [], "after the jobs"
    inside = list(opened(world, clock))
    assert inside
    assert birds.found(inside) == []
