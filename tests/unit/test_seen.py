"""Seen: a sign that a message was read, which tells nothing to whoever holds no key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from hotline.store.database import Database
from hotline.store.seen import SIGN_BYTES, Seen
from hotline.store.tables import SeenRow


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    database = Database(migrated_url)
    yield database
    database.close()


def rows(database: Database) -> list[tuple[bytes, str]]:
    with database.read() as connection:
        return [(row.id, row.month) for row in connection.execute(select(SeenRow))]


def test_a_sign_is_known_once_it_was_given_and_no_other_is(database: Database) -> None:
    seen, given, other = Seen(database), secrets.token_bytes(16), secrets.token_bytes(16)
    seen.opened(given)
    seen.settle("2026-03", "2025-03")
    assert seen.among([given, other]) == {given}
    assert seen.among([]) == frozenset()


def test_nobody_learns_of_a_sign_before_the_day_is_written_anew(database: Database) -> None:
    seen, given = Seen(database), secrets.token_bytes(16)
    seen.opened(given)
    assert seen.among([given]) == frozenset()
    seen.settle("2026-03", "2025-03")
    seen.opened(given)
    assert seen.among([given]) == {given}


def test_every_opening_leaves_two_rows_that_look_alike(database: Database) -> None:
    seen = Seen(database)
    for sign in (b"", secrets.token_bytes(16), b""):
        before = len(rows(database))
        seen.opened(sign)
        assert len(rows(database)) == before + 2
    assert {(len(sign), month) for sign, month in rows(database)} == {(SIGN_BYTES, "")}


def test_reading_again_still_writes(database: Database) -> None:
    """A commit that changes nothing is quicker: it would tell a number that was used before."""
    seen, sign = Seen(database), secrets.token_bytes(16)
    seen.opened(sign)
    seen.opened(sign)
    assert len(rows(database)) == 3


def test_a_day_is_written_anew_at_once_and_in_the_order_of_ids(database: Database) -> None:
    seen = Seen(database)
    signs = [bytes([255 - n]) * SIGN_BYTES for n in range(20)]
    for sign in signs:
        seen.add([sign])
    assert seen.settle("2026-03", "2025-03") == 20
    assert seen.settle("2026-03", "2025-03") == 0
    if not database.sqlite:
        with database.read() as connection:
            written = connection.execute(text("SELECT id, xmin::text AS x FROM seen ORDER BY ctid"))
            found = [(bytes(row.id), row.x) for row in written]
        assert [sign for sign, _ in found] == sorted(signs)
        assert len({transaction for _, transaction in found}) == 1
    assert {month for _, month in rows(database)} == {"2026-03"}
    assert seen.among(signs) == set(signs)


def test_old_signs_go_and_fresh_ones_stay(database: Database) -> None:
    seen, old, fresh = Seen(database), secrets.token_bytes(16), secrets.token_bytes(16)
    seen.add([old])
    seen.settle("2025-02", "2024-02")
    seen.add([fresh])
    seen.settle("2026-03", "2025-03")
    assert seen.among([old, fresh]) == {fresh}
