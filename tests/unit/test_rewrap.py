"""Re-wrapping: after a rotation or a new suite, what is stored opens with the new keys alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.demo import PASSPHRASE
from hotline.errors import NotAllowed
from hotline.jobs.recordings import open_facts
from hotline.keyring import UnknownSuite, change_suite, directory_change, rotate
from hotline.settings import Settings
from hotline.store.tables import AuditRow, ObservationRow, ReceiptRow
from hotline.store.wraps import Wraps
from hotline.tips import Channel, Contact, State, Wrap
from hotline.triage.access import SignedIn
from hotline.triage.approvals import Deed
from hotline.triage.opening import open_tip
from hotline.triage.rewrap import Counts, rewrap
from hotline.vault import format as fmt
from hotline.vault.format import Damaged
from hotline.vault.keys import open_grant, open_small, open_wrap
from hotline.vault.suites import LARGE, X_WING
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.terminal import agree

DESK, MONTH = "queue:general:BR-RJ", "2026-03"
WORDS = "Boca de fumo em Niterói RJ, na rua da feira"


@dataclass(frozen=True, slots=True)
class World:
    settings: Settings
    clock: MovableClock

    def tell(self, count: int) -> str:
        """The last one's receipt."""
        line, code = assemble_public(self.settings, self.clock, pool=0), ""
        for _ in range(count):
            code = line.pipeline.receive(Contact(channel=Channel.WEB, text=WORDS)).code
        line.close()
        return code

    def staff(self) -> StaffLine:
        return assemble_staff(self.settings, self.clock)


@pytest.fixture
def world(settings: Settings, clock: MovableClock) -> Iterator[World]:
    one = World(settings, clock)
    one.tell(5)
    yield one


def seeds_of(line: StaffLine, who: SignedIn, recipient: str = DESK) -> list[bytes]:
    held = line.keys.of_epoch(recipient, MONTH, who.person.id)
    return [open_grant(who.seed, recipient, MONTH, who.person.id, g.sealed) for g in held]


def opening(line: StaffLine, seeds: list[bytes]) -> int:
    """How many of the desk's wraps open with these seeds."""
    count = 0
    for row in line.tips.queue([DESK.removeprefix("queue:")], list(State)):
        body = line.tips.body(row.id)
        assert body is not None
        for wrap in (w for w in line.tips.wraps([row.id]) if w.recipient == DESK):
            for seed in seeds:
                try:
                    open_wrap(seed, wrap, body)
                    count += 1
                except Damaged:
                    continue
    return count


def suites(line: StaffLine) -> set[int]:
    rows = line.tips.queue([DESK.removeprefix("queue:")], list(State))
    return {wrap.sealed[0] for wrap in line.tips.wraps([row.id for row in rows])}


def turn(line: StaffLine, recipient: str = DESK) -> int:
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, f"rotate:{recipient}"))
    return rotate(line.settings, line.directory, line.keys, line.access, recipient, line.clock, by)


def over(line: StaffLine, suite: int) -> int:
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, f"suite:{suite}"))
    args = (line.settings, line.directory, line.keys, line.access, line.clock)
    return change_suite(*args, by, suite)


def again(line: StaffLine, who: SignedIn, recipient: str, **more: Any) -> Counts:
    return rewrap(line, who.person, who.seed, recipient, **more)


def test_a_removed_members_seeds_open_nothing_that_is_stored(world: World) -> None:
    line = world.staff()
    sign_in = SignIn(line)
    paulo = sign_in("paulo")
    copied = seeds_of(line, paulo)
    assert opening(line, copied) == 5
    olga = sign_in("olga")
    line.access.revoke(olga.person.id, paulo.person)
    assert turn(line) == 12
    line.close()
    line = world.staff()
    sign_in = SignIn(line)
    assert opening(line, copied) == 5, "a rotation alone changes nothing that is stored"
    counts = again(line, olga, DESK)
    assert counts == Counts(seen=5, sealed=5)
    assert opening(line, copied) == 0
    world.tell(2)
    assert opening(line, copied) == 0, "this month's tips come under the new key at once"
    gabi = sign_in("gabi")
    for row in line.tips.queue(["general:BR-RJ"], list(State)):
        assert open_tip(line, gabi, row.id).content.tip.text == WORDS
    assert again(line, olga, DESK) == Counts(seen=7, done=7)
    line.close()


def test_a_line_goes_over_to_the_other_suite(world: World) -> None:
    """Keys first, then what is stored; receipts and errands from before still open."""
    codes = [world.tell(1)]
    line = world.staff()
    with pytest.raises(UnknownSuite):
        over(line, 3)
    errands = [line.envelope.errand("news", bytes(16), {"tip": "00"})]
    made = over(line, LARGE)
    assert made == len(line.directory.keys)
    line.close()
    codes.append(world.tell(1))
    line = world.staff()
    assert line.directory.suite == LARGE
    assert suites(line) == {X_WING, LARGE}
    errands.append(line.envelope.errand("news", bytes(16), {"tip": "00"}))
    assert [errand.payload[0] for errand in errands] == [X_WING, LARGE]
    assert [open_facts(line, errand) for errand in errands] == [{"tip": "00"}] * 2
    olga, gabi = (SignIn(line)(name) for name in ("olga", "gabi"))
    for recipient in (DESK, "statistics"):
        first = again(line, olga, recipient)
        assert (first.sealed, first.done, first.shut) == (6, 1, 0)
    assert suites(line) == {LARGE}
    with line.database.read() as connection:
        counted = connection.execute(select(ObservationRow)).all()
        kinds = {row.key[0] for row in connection.execute(select(ReceiptRow)).all()}
    assert kinds == {X_WING, LARGE}
    (seed,) = (one for one in seeds_of(line, olga, "statistics") if one[0] == LARGE)
    for row in counted:
        told = open_small(seed, fmt.COUNT, row.id, "statistics", MONTH, row.sealed)
        assert b'"month":"2026-03"' in told
    for row in line.tips.queue(["general:BR-RJ"], list(State)):
        assert open_tip(line, gabi, row.id).content.tip.text == WORDS
    line.close()
    public = assemble_public(world.settings, world.clock, pool=0)
    assert [public.pipeline.follow_up(code).status for code in codes] == ["waiting"] * 2
    public.close()


def test_only_an_officer_who_holds_the_key_may(world: World) -> None:
    line = world.staff()
    sign_in = SignIn(line)
    paulo, olga = sign_in("paulo"), sign_in("olga")
    for who, recipient in ((paulo, DESK), (olga, "queue:nothing"), (olga, "worker")):
        with pytest.raises(NotAllowed):
            again(line, who, recipient)
    line.close()


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


def test_interrupted_between_any_two_batches_it_converges(world: World) -> None:
    line = world.staff()
    copied = seeds_of(line, SignIn(line)("paulo"))
    turn(line)
    line.close()
    line = world.staff()
    olga = SignIn(line)("olga")

    def stop(counts: Counts) -> None:
        raise Stopped

    for left in (3, 1):
        with pytest.raises(Stopped):
            # Two a batch: the first batch that has work is committed, then comes the interruption.
            again(line, olga, DESK, batch=2, progress=lambda c: stop(c) if c.sealed else None)
        assert opening(line, copied) == left
    assert again(line, olga, DESK, batch=2).sealed == 1
    assert opening(line, copied) == 0
    with line.database.read() as connection:
        marks = connection.execute(select(AuditRow.record).where(AuditRow.event == "rewrapped"))
        records = marks.scalars().all()
    assert sorted(record.split('"count":"')[1][0] for record in records) == ["1", "2", "2"]
    assert all(olga.person.id.hex() in record for record in records)
    line.close()


def test_what_triage_changes_meanwhile_stays_as_triage_left_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = world.staff()
    turn(line)
    line.close()
    line = world.staff()
    olga = SignIn(line)("olga")
    rows = line.tips.queue(["general:BR-RJ"], list(State))
    first, second = sorted(row.id for row in rows)[:2]
    replace = Wraps.replace

    def late(self: Wraps, *args: object) -> int:
        line.database.write(
            lambda c: c.execute(
                text("UPDATE wraps SET sealed = :new WHERE subject = :tip"),
                {"new": b"\x01changed", "tip": first},
            )
        )
        line.database.write(
            lambda c: c.execute(text("DELETE FROM wraps WHERE subject = :tip"), {"tip": second})
        )
        return int(replace(self, *args))

    monkeypatch.setattr(Wraps, "replace", late)
    counts = again(line, olga, DESK)
    assert (counts.seen, counts.sealed, counts.moved) == (5, 3, 2)
    assert line.tips.wraps([second]) == []
    kept = [wrap for wrap in line.tips.wraps([first]) if wrap.recipient == DESK]
    assert kept == [Wrap(first, DESK, MONTH, b"\x01changed")]
    monkeypatch.undo()
    later = again(line, olga, DESK)
    assert (later.done, later.shut) == (3, 1), "what does not open is said, not skipped"
    line.close()


COMMAND = "import sys; from hotline.cli import main; sys.argv[0] = 'hotline'; main()"
SLOW = (
    "import time; from hotline.store.wraps import Wraps; r = Wraps.replace\n"
    "def slow(*a):\n n = r(*a); time.sleep(60); return n\n"
    "Wraps.replace = slow\n"
    "import hotline.triage.rewrap as w; w.BATCH = 2; w.rewrap.__kwdefaults__['batch'] = 2\n"
)


def test_killed_it_converges_when_run_again(
    settings: Settings, tmp_path: Path, staff_line: StaffLine
) -> None:
    """The real command, killed with -9 in the middle, then run again."""
    clock = MovableClock()
    World(settings, clock).tell(5)
    copied = seeds_of(staff_line, SignIn(staff_line)("paulo"))
    turn(staff_line)
    secret = {login.name: login.secret for login in _logins(settings)}["olga"]

    def start(prelude: str) -> subprocess.Popen[str]:
        import pyotp

        environment = {
            **os.environ,
            "HOTLINE_HOME": str(settings.home),
            "HOTLINE_DATABASE_URL": settings.database_url,
            "HOTLINE_TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
            "HOTLINE_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
            "HOTLINE_PUBLIC_URL": "https://line.example",
        }
        child = subprocess.Popen(
            [sys.executable, "-c", prelude + COMMAND, "keys", "rewrap", DESK, "--by", "olga"],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write(f"{PASSPHRASE}\n{pyotp.TOTP(secret).now()}\n")
        child.stdin.close()
        child.stdin = None
        return child

    child = start(SLOW)
    until = time.monotonic() + 60
    while opening(staff_line, copied) == 5 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    said = child.communicate()
    assert child.returncode == -signal.SIGKILL, said
    assert 0 < opening(staff_line, copied) < 5
    staff_line.access.people.change(
        staff_line.access.people.named("olga").id, totp_last=0
    )  # a code works once; the second run would wait half a minute for the next
    second = start("")
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert "sealed again, 2 were already" in out
    assert opening(staff_line, copied) == 0


def _logins(settings: Settings) -> list[object]:
    from hotline.demo import saved_logins

    return list(saved_logins(settings))
