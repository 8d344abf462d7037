"""Under flood the form and the API say that the line is busy, keep nothing, and recover alone."""

from __future__ import annotations

from dataclasses import replace

from hotline.assembly import PublicLine
from hotline.intake.limits import Limits, Rate
from tests.conftest import MovableClock
from tests.forms import Walk, app_of, stored

BODY = {"description": "Boca de fumo na praça de Niterói, RJ", "language": "pt"}


def test_everybody_shares_one_budget_that_fills_by_itself(
    public_line: PublicLine, clock: MovableClock
) -> None:
    narrow = Limits(clock, everyone=Rate(burst=1, per_second=1))
    client = app_of(replace(public_line, limits=narrow)).test_client()
    walk = Walk(client)
    walk.to_check(what="Desmanche de carros na rua 9")
    assert client.post("/api/v1/tips", json=BODY).status_code == 201
    busy = client.post("/api/v1/tips", json=BODY)
    assert busy.status_code == 503
    assert busy.mimetype == "application/problem+json"
    walk.press("go=send")
    assert walk.response.status_code == 503
    assert len(stored(public_line)) == 1
    clock.advance(2)
    assert client.post("/api/v1/tips", json=BODY).status_code == 201
    assert len(stored(public_line)) == 2
