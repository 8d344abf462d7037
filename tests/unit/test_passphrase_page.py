"""One's own passphrase: changed on a page of the console, after who sits there was asked again."""

from __future__ import annotations

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.triage.access import SignInRefused
from tests.conftest import MovableClock
from tests.desk import Office

NEW = "quatro telhas azuis no mar"


def test_a_passphrase_is_changed_and_nothing_has_to_be_granted_anew(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    line, office = staff_line, Office.of(staff_line)
    other, hand = office("paulo"), None
    clock.advance(31)
    hand = office("paulo")
    before = line.keys.held(line.access.people.named("paulo").id)
    page = hand.client.get("/passphrase")
    assert page.status_code == 200
    assert PASSPHRASE not in page.text

    def change(old: str, new: str, again: str) -> tuple[int, str]:
        clock.advance(31)
        form = {"passphrase": old, "code": office.codes.code("paulo"), "new": new, "again": again}
        answer = hand.client.post("/passphrase", data={"token": hand.token, **form})
        assert NEW not in answer.text
        return answer.status_code, answer.headers.get("Location", "")

    assert change("not my passphrase at all", NEW, NEW)[0] == 401
    assert change(PASSPHRASE, NEW, NEW + "!")[0] == 422
    assert change(PASSPHRASE, "short", "short")[0] == 422
    assert line.audit.count("passphrase_changed") == 0
    assert change(PASSPHRASE, NEW, NEW) == (303, "/sessions?done=passphrase")
    assert line.audit.count("passphrase_changed") == 1
    assert hand.client.get("/desk").status_code == 200, "this session goes on"
    assert other.client.get("/desk").status_code == 303, "the others have ended"
    assert line.keys.held(line.access.people.named("paulo").id) == before
    clock.advance(31)
    code = office.codes.code("paulo")
    who = line.access.sign_in("paulo", NEW, code)
    assert line.access.epoch_seed(who, "queue:general:BR-RJ", clock.month())
    clock.advance(31)
    try:
        line.access.sign_in("paulo", PASSPHRASE, office.codes.code("paulo"))
    except SignInRefused:
        return
    raise AssertionError("the old passphrase still opens")
