"""Demo: a whole line from nothing in one command: seeded keys, people, tips and a printed tour."""

from __future__ import annotations

import json
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hotline import settings as settings_module
from hotline.analysts.access import Accounts
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.founding import FIRST_RULES, MONTHS, activate, found, is_founded, prepare
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions, copied
from hotline.serve import Ports, running, wait_ready, watch
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.keystore import KeyStore
from hotline.store.people import People, Person
from hotline.tips import QueueKind, queue_kind
from hotline.triage.access import Access, membership, special_kind
from hotline.triage.approvals import Deed
from hotline.vault.directory import write_file
from hotline.vault.envelope import agency_recipient, queue_recipient
from hotline.vault.keys import PersonKey, open_person

if TYPE_CHECKING:
    from hotline.assembly import PublicLine

LOGINS, TOKEN, ADDRESS = "demo-logins.json", "demo-token", "demo-address"
TIPS = 40
FEW_MONTHS = 3  # of keys: a demonstration waits for all of them before its first page
# One passphrase for a demonstration with invented tips only; 'hotline init' never has one.
PASSPHRASE = "only for the demo"  # noqa: S105


class NotADemo(HotlineError):
    """The home or the database belongs to a real line."""

    code = "not_a_demo"
    message = "This home or this database belongs to a real line."
    hint = "Unset HOTLINE_HOME and HOTLINE_DATABASE_URL: the demo makes its own."


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody of the demo. ``secret`` is the one-time-code seed (base32)."""

    name: str
    role: str
    secret: str


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody to be enrolled, with the kinds of queue they get."""

    name: str
    role: str
    kinds: tuple[QueueKind, ...] = ()
    agency: str = ""
    language: str = ""


def _seats(profile: Profile) -> list[Seat]:
    special = tuple(kind for kind in QueueKind if kind.special)
    plain = (QueueKind.GENERAL, QueueKind.UNRESOLVED)
    agencies = profile.agencies
    receiving = (a.id for a in agencies.values() if "security" in a.functions and a.receives)
    municipal = "semsp-3304904" if "semsp-3304904" in agencies else next(receiving)
    return [
        Seat("olga", "officer", (*plain, *special)),
        Seat("otavio", "officer", (*plain, *special)),
        Seat("sofia", "supervisor", (*plain, *special)),
        Seat("paulo", "operator", plain),
        Seat("gabi", "operator", (*plain, QueueKind.GBV, QueueKind.CHILDREN)),
        Seat("tereza", "operator", (*plain, QueueKind.TRAFFICKING), language="es"),
        Seat("ines", "operator", (QueueKind.INTEGRITY,)),
        Seat("tito", "trainer"),
        Seat("samuel", "agency", agency=profile.inbox(municipal)),
        Seat("ana", "analyst"),
    ]


def prepare_home(home: Path | None, ports: Ports) -> Settings:
    """Settings of a demo in ``home``, or in a temporary directory. Run again over the same home
    it continues: the provider's token is kept with it."""
    base = home or Path(tempfile.mkdtemp(prefix="hotline-demo-"))
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    _only_a_demo(Settings(base, ""))
    token_file = base / TOKEN
    if not token_file.exists():
        write_file(token_file, secrets.token_hex(16).encode())
    address = f"http://127.0.0.1:{ports.public}"
    write_file(base / ADDRESS, address.encode())
    return settings_module.load_demo(base, token_file.read_text(), address)


def _only_a_demo(settings: Settings) -> None:
    """Raises NotADemo for a home with keys that no demo made: its passphrase is in this file."""
    if settings.training or (is_founded(settings) and not (settings.home / LOGINS).exists()):
        raise NotADemo


def settings_of(home: Path) -> Settings | None:
    """The settings of the demo that runs over ``home``, or None when it is no demo's home."""
    try:
        token, address = ((home / name).read_text() for name in (TOKEN, ADDRESS))
    except OSError:
        return None
    return settings_module.load_demo(home, token, address)


def seed_officers(settings: Settings, clock: Clock, months: int = MONTHS) -> list[Login]:
    """Keys for so many months, database and the two officers: what must stand before the first
    process starts."""
    profile = Profile.load(settings.jurisdiction)
    database = prepare(settings)
    if People(database).all():
        database.close()
        raise NotADemo
    keys = KeyStore(settings.staff)
    access = Access(database, keys, clock)
    officers = [seat for seat in _seats(profile) if seat.role == "officer"]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda seat: _enrol(access, profile, seat), officers))
    people = [person for person, _ in made]
    with copied(settings.jurisdiction) as folder:  # proved by the public process, which waits
        seen = len(Versions(settings.rules).history())
        activate(settings, AuditLog(database), folder, people, FIRST_RULES, clock, seen)
    found(settings, profile.recipients(), people, clock, months)
    # The two officers vouch for each other: nobody certifies themselves.
    for seat, person, other in zip(officers, people, reversed(people), strict=True):
        _certify(access, clock, other, seat, person)
    logins = [
        Login(seat.name, seat.role, secret)
        for seat, (_, secret) in zip(officers, made, strict=True)
    ]
    keys.close()
    database.close()
    _save(settings, logins)
    return logins


def _enrol(access: Access, profile: Profile, seat: Seat) -> tuple[Person, str]:
    language = seat.language or profile.languages[0].value
    return access.enrol(seat.name, PASSPHRASE, [seat.role], agency=seat.agency, language=language)


def _certify(access: Access, clock: Clock, by: Person, seat: Seat, person: Person) -> None:
    until = (clock.now() + timedelta(days=365)).strftime("%Y-%m-%d")
    for kind in seat.kinds:
        if kind.special:
            access.certify(by.id, person, kind.value, until)


def _give(access: Access, by: tuple[Person, bytes], second: Person, to: Person, name: str) -> None:
    """A queue or an inbox, as two officers do it: one asks, the other approves, the first gives."""
    (officer, seed), approvals = by, access.approvals
    if special_kind(name):
        asked = approvals.ask(officer.id, Deed.OPEN_QUEUE, membership(to, name), "new_member")
        approvals.approve(second.id, asked.id)
    access.grant((officer.id, seed), to, name)


def seed_others(
    settings: Settings, clock: Clock, logins: list[Login], others: list[Seat] | None = None
) -> list[Login]:
    """The rest of the people, or ``others``, with their queues and their certificates."""
    profile = Profile.load(settings.jurisdiction)
    database, keys = Database(settings.database_url), KeyStore(settings.staff)
    access = Access(database, keys, clock)
    seats = others or [seat for seat in _seats(profile) if seat.role != "officer"]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda seat: _enrol(access, profile, seat), seats))
    olga, otavio = access.people.named("olga"), access.people.named("otavio")
    assert olga is not None and otavio is not None
    seed = open_person(olga.id, PersonKey(olga.public, olga.salt, olga.sealed), PASSPHRASE)
    assert seed is not None
    for seat, (person, _) in zip(seats, made, strict=True):
        wanted = [queue_recipient(q) for q in profile.queues if queue_kind(q) in seat.kinds]
        wanted += [agency_recipient(seat.agency)] if seat.agency else []
        for recipient in wanted:
            _give(access, (olga, seed), otavio, person, recipient)
        _certify(access, clock, olga, seat, person)
    logins = logins + [
        Login(seat.name, seat.role, secret) for seat, (_, secret) in zip(seats, made, strict=True)
    ]
    keys.close()
    database.close()
    _seat_analysts(settings, clock, logins, profile.languages[0].value)
    _save(settings, logins)
    return logins


def _seat_analysts(settings: Settings, clock: Clock, logins: list[Login], language: str) -> None:
    """The same name, passphrase and code open the analysts' site, which has accounts of its own."""
    accounts = Accounts(settings.home / "releases", clock)
    for login in logins:
        if login.role == "analyst" and accounts.store.named(login.name) is None:
            accounts.enrol(login.name, PASSPHRASE, language, login.secret)
    accounts.store.close()


def seed_tips(line: PublicLine, count: int = TIPS) -> None:
    """Invented tips of the line's country through the real pipeline."""
    from hotline.synthetic import contacts

    for contact in contacts(count, line.profile.country):
        line.pipeline.receive(contact)


def _save(settings: Settings, logins: list[Login]) -> None:
    content = json.dumps([[login.name, login.role, login.secret] for login in logins])
    write_file(settings.home / LOGINS, content.encode())


def saved_logins(settings: Settings) -> list[Login]:
    return [Login(*row) for row in json.loads((settings.home / LOGINS).read_text())]


def run(
    home: Path | None,
    ports: Ports,
    stopped: threading.Event,
    say: Callable[[str], None],
    started: float,
) -> int:
    """The whole demonstration until ``stopped``. Returns the exit status. ``started`` is the
    monotonic second in which the command began."""
    ports = ports.resolved()
    settings = prepare_home(home, ports)
    clock = Clock(Profile.load(settings.jurisdiction).zone)
    fresh = not is_founded(settings)
    with running(settings, ports, ["public"]) as children:
        if fresh:
            say("Making keys for three months and two officers …")
            logins = seed_officers(settings, clock, FEW_MONTHS)
        else:
            say("Continuing in the same home …")
            prepare(settings).close()
            logins = saved_logins(settings)
        wait_ready(f"http://127.0.0.1:{ports.public}/healthz", children)
        seconds = time.monotonic() - started
        say(f"The line answers at http://127.0.0.1:{ports.public}/ after {seconds:.1f} s.")
        with running(settings, ports, ["staff", "analyst"]) as others:
            if fresh:
                from hotline.assembly import assemble_public

                say("Seeding people and invented tips in five languages …")
                logins = seed_others(settings, clock, logins)
                line = assemble_public(settings, clock, pool=0)
                seed_tips(line)
                line.close()
            for port in (ports.console, ports.analyst):
                wait_ready(f"http://127.0.0.1:{port}/healthz", others)
            from hotline import demo_months  # numpy and more, which the first page waits not for
            from hotline.tour import tour

            for text in tour(settings, ports, logins):
                say(text)
            months = threading.Thread(
                target=demo_months.release, args=(settings, clock, stopped, say)
            )
            months.start()
            try:
                return 0 if watch([*children, *others], stopped) else 1
            finally:
                stopped.set()
                months.join()
