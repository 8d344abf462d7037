"""What trends are made of is destroyed: after a release no count opens, whoever holds what is left,
with any copy of the database; and what was released needs no tip any more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from hotline import demo
from hotline.analysis.extract import extract
from hotline.analysis.question import Question
from hotline.analysis.releases import Releases
from hotline.assembly import PublicLine, StaffLine
from hotline.settings import NAMES
from hotline.store.forgetting import Forgetting
from hotline.store.tables import ObservationRow, TipRow
from hotline.tips import Channel, Contact
from hotline.triage.access import SignedIn
from hotline.triage.arming import arm, folder, held
from hotline.triage.freezing import build, prove
from hotline.vault import format as fmt
from hotline.vault.envelope import STATISTICS
from hotline.vault.format import Damaged
from hotline.vault.keys import open_grant, open_small
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises.canaries import files

MARCH = "2026-03"
TEXTS = (
    "Boca de fumo na rua das Flores em Niterói RJ",
    "Meu vizinho bate na mulher em Niterói RJ",
    "Um policial cobra propina em Angra dos Reis RJ",
)


@pytest.fixture
def april(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> Iterator[StaffLine]:
    """Tips of March, and the machine holds its keys: the thief's best day."""
    for text in TEXTS:
        public_line.pipeline.receive(Contact(channel=Channel.WEB, text=text))
    clock.advance(26 * 86_400)
    yield staff_line


@pytest.fixture
def people(april: StaffLine) -> dict[str, SignedIn]:
    """Everybody signed in, each once."""
    names = [row[0] for row in json.loads((april.settings.home / demo.LOGINS).read_text())]
    found = {name: SignIn(april)(name) for name in names}
    arm(april, found["olga"].person, found["olga"].seed)
    return found


def release(line: StaffLine, people: dict[str, SignedIn]) -> None:
    build(line, MARCH, held(line, people["olga"].person, people["olga"].seed, MARCH))


def every_key(line: StaffLine, people: dict[str, SignedIn]) -> set[bytes]:
    """All that anybody of the line can open with passphrase and code, all that lies in its files,
    and what the public process is told."""
    found = set(line.worker.values()) | {line.audit_key}
    for who in people.values():
        found.add(who.seed)
        for one in line.keys.of(who.person.id):
            person = who.person.id
            found.add(open_grant(who.seed, one.recipient, one.epoch, person, one.sealed))
    for _, raw in files(line.settings.home):
        found |= {raw} if len(raw) <= 64 else set()
        found |= _written(raw)
    told = (str(getattr(line.settings, n.removeprefix("HOTLINE_").lower(), "")) for n in NAMES)
    return found | {one.encode() for one in told}


def _written(raw: bytes) -> set[bytes]:
    """Seeds in a file of JSON: 66 digits."""
    try:
        text = json.dumps(json.loads(raw))
    except ValueError:
        return set()
    words = (word for word in text.split('"') if len(word) == 66)
    return {bytes.fromhex(word) for word in words if set(word) <= set("0123456789abcdef")}


def rows(line: StaffLine) -> list[tuple[bytes, bytes]]:
    with line.database.read() as connection:
        found = connection.execute(select(ObservationRow.id, ObservationRow.sealed)).all()
    return [(row.id, row.sealed) for row in found]


def opening(sealed: list[tuple[bytes, bytes]], keys: set[bytes]) -> int:
    """How many counts open with any of these."""
    count = 0
    for identity, raw in sealed:
        for key in keys:
            try:
                open_small(key, fmt.COUNT, identity, STATISTICS, MARCH, raw)
                count += 1
                break
            except (Damaged, ValueError, KeyError, IndexError):
                continue
    return count


def test_no_count_opens_after_its_release(april: StaffLine, people: dict[str, SignedIn]) -> None:
    copied = rows(april)  # as a backup or PostgreSQL's dead pages still have them
    assert len(copied) == len(TEXTS)
    before = every_key(april, people)
    assert opening(copied, before) == len(TEXTS), "before it, its holders open them"
    release(april, people)
    assert rows(april) == []
    left = every_key(april, people)
    assert len(left) > 100 and opening(copied, left) == 0


def test_releases_outlive_every_tip(april: StaffLine, people: dict[str, SignedIn]) -> None:
    release(april, people)
    question = Question.asked(MARCH, MARCH, "state,crime_group", {})
    before = extract(Releases(folder(april)), question).data["interval_high"].tolist()
    with april.database.read() as connection:
        tips = list(connection.execute(select(TipRow.id)).scalars())
    assert len(tips) == len(TEXTS)
    for tip in tips:
        assert Forgetting(april.database).shred(tip, "expired")
    prove(april, MARCH)
    after = extract(Releases(folder(april)), question).data["interval_high"].tolist()
    assert [str(value) for value in after] == [str(value) for value in before]


def test_no_release_holds_an_exact_count(april: StaffLine, people: dict[str, SignedIn]) -> None:
    """Only noisy arrays are written: their names, shapes and nothing beside them."""
    release(april, people)
    names = {place.name for place in folder(april).iterdir()}
    cells = {name for name in names if name.startswith("cells-")}
    assert len(cells) == 1
    told = {f"{MARCH}.{end}" for end in ("json", "npy", "txt")} | {"epsilon.csv"}
    assert names == told | cells
    header = Releases(folder(april)).one(MARCH).header
    assert {one["name"] for one in header["arrays"]} == {
        "leaves",
        "states",
        *(one["name"] for one in header["tables"] if one["name"] not in _MAIN),
    }
    assert "tips" not in header and "count" not in header


_MAIN = {"nation", "state", "municipality", "cell"}
