"""Seizure: everything on disk and in Redis, and intake's environment, in the hands of a thief.

It opens nothing but what the worker has still to do: identifiers the provider has not erased yet,
and danger that nobody has acknowledged. And it cannot tell which of two texts of one size a tip
holds: not by a size, not by a clear column, not by the statistics of a sealed one.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from ast import literal_eval
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import MetaData, select

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.intake import receipts as pool
from hotline.jobs.chores import chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.settings import Settings, child_environ
from hotline.store.database import Database
from hotline.store.tips import put_reply
from hotline.tips import Channel, Contact, Language, State, Trace
from hotline.triage import messages
from hotline.triage.claims import Claims
from hotline.vault import format as fmt
from hotline.vault.receipts import ReplyKeys, stretch
from hotline.vault.small import random_key
from tests.conftest import MovableClock
from tests.line import SignIn, with_redis
from tests.promises import canaries
from tests.promises.canaries import Aviary
from tests.promises.ground import engines, line_on, read_once  # noqa: F401 - a fixture

WORDS = "Boca de fumo {} em Niterói RJ, toda noite"


@dataclass(frozen=True, slots=True)
class Seized:
    """A line in the middle of its work."""

    settings: Settings
    public: PublicLine
    staff: StaffLine
    birds: Aviary
    erased: str  # what the provider has forgotten
    kept: str  # what it has not
    waiting: bytes  # the tip whose danger nobody acknowledged
    gone: list[bytes]  # sealed details of errands that were done


@pytest.fixture(params=["sqlite", "postgres"])
def seized(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path, clock: MovableClock
) -> Iterator[Seized]:
    """On SQLite with everything in the process; on PostgreSQL with Redis."""
    lines = line_on(request.param, request, founded_home, tmp_path / "home")
    settings = next(lines)
    if request.param == "postgres" and engines(request):
        settings = with_redis(settings, request.getfixturevalue("redis_url"))
    (settings.home / "demo-logins.json").rename(tmp_path / "demo-logins.json")
    staff, public = assemble_staff(settings, clock), assemble_public(settings, clock, pool=0)
    yield _fill(settings, public, staff, clock)
    public.close()
    staff.close()
    next(lines, None)


def _fill(settings: Settings, public: PublicLine, staff: StaffLine, clock: Clock) -> Seized:
    birds, provider = Aviary(), RecordingProvider()
    jobs = EmbeddedJobs(runner(staff, provider, Log(clock, public=False, out=None)))
    receive = public.pipeline.receive

    def tip(name: str, text: str = WORDS, *traces: Trace) -> str:
        contact = Contact(channel=Channel.SMS, text=text.format(birds.word(name)), traces=traces)
        return receive(contact, f"sms:{name}").code

    first, second = canaries.sid("SM"), canaries.sid("SM")
    tip("erased", WORDS, Trace("message", first))
    urgent = "Vão matar o vizinho {} agora em Niterói RJ"
    tip("acknowledged", urgent)
    queues = list(staff.profile.queues)
    (danger,) = [r for r in staff.tips.queue(queues, list(State)) if r.priority == "P0"]
    paulo = staff.access.people.named("paulo")
    assert paulo
    assert Claims(staff.database, clock).take(paulo.id, danger.id)
    gone = [errand.payload for kind in ("erase", "relay") for errand in staff.outbox.pending(kind)]
    jobs.drain()
    assert provider.erased == [("message", first)]
    tip("danger", urgent)
    tip("kept", WORDS, Trace("message", second))
    code = tip("answered")
    tip("special", "Ele bate na esposa {} em Niterói RJ")
    public.pipeline.append(
        code, Contact(channel=Channel.API, text=WORDS.format(birds.word("more")))
    )
    keys = stretch(code, (settings.public / "receipts.pepper").read_bytes())
    said = messages.message(
        keys.lookup, keys.public, "question", birds.word("question"), Language.PT, "2026-03-10", 0
    )
    staff.database.write(lambda c: put_reply(c, *said))
    provider.failures = ["http_503"] * 50
    jobs.drain()
    rows = staff.tips.queue(list(staff.profile.queues), list(State))
    (waiting,) = {r.id for r in rows if r.priority == "P0"} - {danger.id}
    return Seized(settings, public, staff, birds, first, second, waiting, gone)


class Rows:
    """Reads every row of a database, again and again; bytes as a list with their hexadecimal."""

    def __init__(self, url: str) -> None:
        self._database, self._metadata = Database(url), MetaData()
        self._metadata.reflect(self._database.engine)

    def read(self) -> dict[str, list[dict[str, object]]]:
        with self._database.read() as connection:
            return {
                name: [
                    {c: [v.hex()] if isinstance(v, bytes) else v for c, v in row.items()}
                    for row in connection.execute(select(table)).mappings()
                ]
                for name, table in self._metadata.tables.items()
            }

    def close(self) -> None:
        self._database.close()


def rows_of(url: str) -> dict[str, list[dict[str, object]]]:
    rows = Rows(url)
    try:
        return rows.read()
    finally:
        rows.close()


def hand_over(settings: Settings, folder: Path) -> dict[str, list[dict[str, object]]]:
    """Everything but memory: files, rows, Redis, and the environment of intake with the files of
    its secrets, which lie in the home."""
    folder.mkdir()
    shutil.copytree(settings.home, folder / "home")
    rows = rows_of(settings.database_url) | rows_of(f"sqlite:///{settings.staff / 'keys.db'}")
    (folder / "rows.json").write_text(json.dumps(rows))
    held = [raw for _, raw in canaries.redis_keys(settings.redis_url)] if settings.redis_url else []
    (folder / "redis.json").write_text(json.dumps([raw.hex() for raw in held]))
    environ = {k: v for k, v in child_environ(settings).items() if k.startswith("HOTLINE_")}
    (folder / "environ.json").write_text(json.dumps(environ))
    return rows


def test_a_thief_opens_nothing_but_what_the_worker_has_to_do(
    seized: Seized, tmp_path: Path
) -> None:
    signed_in = SignIn(seized.staff)
    logins = (tmp_path / "demo-logins.json").read_text()
    (seized.settings.home / "demo-logins.json").write_text(logins)
    signed_in("olga")  # a session is open
    (seized.settings.home / "demo-logins.json").unlink()
    rows = hand_over(seized.settings, tmp_path / "seized")
    command = [sys.executable, "-m", "tests.promises.thief", str(tmp_path / "seized")]
    ran = subprocess.run(command, check=True, capture_output=True, timeout=600)
    found = json.loads(ran.stdout)
    for table in ("wraps", "bodies", "outbox", "observations", "receipts", "replies"):
        assert found["tried"][table] == len(rows[table]) > 0, table
    for table in ("grants", "sessions", "marks", "people"):
        assert found["tried"][table] > 0
    assert found["keys"] > 100

    opened = {(table, identity): text for table, identity, text in found["opened"]}
    due = {
        ("outbox", row["id"][0]): row["kind"]  # type: ignore[index]
        for row in rows["outbox"]
        if row["state"] != "done"
    }
    assert set(opened) == set(due), "those, and only those"
    # What is left of an acknowledged danger for an hour: who took it when, and not what.
    assert set(due.values()) == {"erase", "relay", "relay_over"}
    (over,) = (
        json.loads(literal_eval(text)) for key, text in opened.items() if due[key] == "relay_over"
    )
    assert over.keys() == {"queue", "since", "at", "how", "by", "post"}
    told = " ".join(opened.values())
    assert seized.kept in told
    assert seized.waiting.hex() in told
    assert seized.erased not in told
    relays = [text for key, text in opened.items() if due[key] == "relay"]
    assert len(relays) == 1
    for name, forms in seized.birds.planted.items():
        assert not any(form in told.encode() for form in forms), name


def test_what_was_done_is_on_the_disk_no_more(seized: Seized) -> None:
    """The worker's key lives on, so its sealed errands may not: not in the journal either."""
    assert len(seized.gone) == 2
    if not seized.settings.sqlite:
        return  # PostgreSQL keeps what it deleted until it writes over it: docs/forgetting.md
    (forget,) = [chore for chore in chores(seized.staff) if chore.name == "wipe_journal"]
    forget.do()
    for place, raw in canaries.files(seized.settings.home):
        for payload in seized.gone:
            assert payload[100:164] not in raw, place


# ---- Two texts of one size ----

RUNS = 30
FIRST = "Boca de fumo na rua das Acácias em Niterói RJ, toda noite"
# The clear columns say priority, type group and municipality: texts that differ there are apart by
# design, so these two agree in them.
SECOND = "Tem boca de fumo no beco do Rato em Niterói RJ, três rapazes de moto, de manhã cedo"
LONGER = FIRST + " e de dia também." * 200  # another bucket: the measure must see it


def quick(code: str, pepper: bytes) -> ReplyKeys:
    return ReplyKeys(random_key(), random_key())


@dataclass(frozen=True, slots=True)
class Trail:
    """What one report leaves: a shape (every table's rows, clear values, sizes), and the sealed
    bytes of every column."""

    shape: str
    sealed: dict[str, bytes]


def _shape(rows: list[dict[str, object]], name: str) -> list[str]:
    """Rows without what is random by design; of sealed values only their size."""

    def of(column: str, value: object) -> object:
        if isinstance(value, list):
            return len(value[0]) // 2
        if isinstance(value, str):
            return re.sub(r"[0-9a-f]{32,}", "random", value)
        return value

    return sorted(f"{name} " + repr({c: of(c, v) for c, v in row.items()}) for row in rows)


def trail(line: PublicLine, text: str, known: dict[str, set[str]], held: Rows) -> Trail:
    """Tells ``text`` and returns what is new. Fields of the same report that a reporter chose
    otherwise than in words are equal: channel, place, language, files, the hour."""
    traces = (Trace("message", canaries.sid("SM")),)
    contact = Contact(channel=Channel.SMS, text=text, language=Language.PT, traces=traces)
    line.pipeline.receive(contact, canaries.sid("SM"))
    shape: list[str] = []
    sealed: dict[str, bytes] = {}
    for name, rows in held.read().items():
        seen = known.setdefault(name, set())
        fresh = [row for row in rows if repr(row) not in seen]
        seen.update(map(repr, fresh))
        shape += _shape(fresh, name)
        for row in fresh:
            for column, value in row.items():
                if isinstance(value, list):
                    place = f"{name}.{column}.{row.get('kind', '')}{row.get('recipient', '')}"
                    sealed[place] = bytes.fromhex(value[0])
    return Trail("\n".join(shape), sealed)


@pytest.fixture
def teller(
    seized_line: Settings, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Trail]]:
    monkeypatch.setattr(pool, "stretch", quick)
    line, known = assemble_public(seized_line, clock, pool=0), dict[str, set[str]]()
    held = Rows(seized_line.database_url)
    trail(line, FIRST, known, held)
    yield lambda text: trail(line, text, known, held)
    held.close()
    line.close()


@pytest.fixture(params=["sqlite", "postgres"])
def seized_line(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path
) -> Iterator[Settings]:
    yield from line_on(request.param, request, founded_home, tmp_path / "home")


def apart(first: list[bytes], second: list[bytes]) -> float:
    """How far the bytes of two sets of blobs are apart: chi² of their counts over its degrees of
    freedom, as standard deviations from what chance gives."""
    joined = (np.frombuffer(b"".join(blobs), np.uint8) for blobs in (first, second))
    counts = np.array([np.bincount(bytes_, minlength=256) for bytes_ in joined])
    counts = counts[:, counts.sum(axis=0) > 0].astype(float)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    degrees = max(counts.shape[1] - 1, 1)
    chi = ((counts - expected) ** 2 / expected).sum()
    return float((chi - degrees) / np.sqrt(2 * degrees))


def constant(blobs: list[bytes]) -> dict[int, int]:
    """Places at which every blob has the same byte."""
    every = np.array([np.frombuffer(blob, np.uint8) for blob in blobs])
    return {int(at): int(every[0, at]) for at in np.flatnonzero((every == every[0]).all(axis=0))}


def test_two_texts_of_one_size_leave_the_same_trail(teller: Callable[[str], Trail]) -> None:
    trails: dict[str, list[Trail]] = {FIRST: [], SECOND: []}
    for _ in range(RUNS):
        for text in (FIRST, SECOND):
            trails[text].append(teller(text))
    shapes = {text: Counter(one.shape for one in told) for text, told in trails.items()}
    assert shapes[FIRST] == shapes[SECOND]
    assert len(shapes[FIRST]) == 1
    places = trails[FIRST][0].sealed.keys()
    assert {p.split(".")[0] for p in places} >= {
        *("tips", "bodies", "wraps", "observations", "receipts", "outbox", "marks", "audit"),
    }
    for place in places:
        one, other = ([t.sealed[place] for t in trails[text]] for text in (FIRST, SECOND))
        assert apart(one, other) < 6, place
        assert constant(one) == constant(other), place
    # The measure: a text of another bucket is seen at once, and so is anything not sealed.
    assert teller(LONGER).shape != trails[FIRST][0].shape
    assert apart([FIRST.encode() * 40] * 20, [SECOND.encode() * 12] * 20) > 6


def test_the_measure_sees_what_padding_hides(
    teller: Callable[[str], Trail], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without padding the very same comparison finds the two apart."""
    whole = fmt.pad

    def bare(payload: bytes, size: int | None = None) -> bytes:
        return whole(payload, len(payload) + 4 if size is None else size)

    monkeypatch.setattr("hotline.vault.seal.fmt.pad", bare)
    assert teller(FIRST).shape != teller(SECOND).shape
