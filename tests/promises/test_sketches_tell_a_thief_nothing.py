"""The sketches of similar tips: who has the database cannot try a text, nor see which are alike.

The thief knows the program: for a text it guesses it makes the very sketch that the line made, and
looks for any of its bytes in any row. Without the key there would be some: see the last test.
"""

from __future__ import annotations

import numpy as np
import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.store.sketches import Sketched
from hotline.tips import Channel, Contact, Language, State
from hotline.triage import sketches as kept
from hotline.triage.features import of_text
from hotline.triage.likeness import Rows
from tests.desk import Office
from tests.promises.test_seizure import rows_of

TEXT = "O vulgo Berinjela vende cocaína na rua das Acácias, placa KXR4D21, Niterói RJ"


def seized(public: PublicLine, staff: StaffLine) -> list[bytes]:
    """The sketches of one text told twice and of another, opened by an operator."""
    for text in (TEXT, TEXT, "Oficina desmonta motos roubadas em Niterói RJ"):
        public.pipeline.receive(Contact(channel=Channel.WEB, text=text, language=Language.PT))
    paulo = Office.of(staff)("paulo")
    for row in staff.tips.queue(list(staff.profile.queues), list(State)):
        assert paulo.get(f"/tips/{row.id.hex()}").status_code == 200
    rows = rows_of(staff.settings.database_url)["sketches"]
    assert len(rows) == 3
    return [bytes.fromhex(row["sealed"][0]) for row in rows]  # type: ignore[index]


def guessed(staff: StaffLine) -> list[bytes]:
    """What the thief's own sketch of the text would hold: four bytes a word or fact."""
    own = of_text(TEXT, Language.PT, staff.types)
    return [int(n).to_bytes(4, "little") for n in (*own.words, *own.facts)]


def found(public: PublicLine, staff: StaffLine) -> tuple[int, int]:
    """How many guesses stand in a row, and how many bytes two rows share at one place beyond the
    first, which says by what it is sealed."""
    rows = seized(public, staff)
    assert len({len(row) for row in rows}) == 1, "a size would tell"
    hits = sum(guess in row for guess in guessed(staff) for row in rows)
    table = np.array([list(row[1:]) for row in rows])
    pairs = ((0, 1), (0, 2), (1, 2))
    return hits, max(int((table[a] == table[b]).sum()) for a, b in pairs)


def test_a_guessed_text_is_in_no_sketch(public_line: PublicLine, staff_line: StaffLine) -> None:
    hits, shared = found(public_line, staff_line)
    # 15 guesses in 3 rows of 1,300 bytes: by chance one in 70,000 runs.
    assert hits == 0
    # By chance 5 of 1,300 bytes; 40 would be 15 standard deviations.
    assert shared < 40


def test_the_measure_sees_a_sketch_without_its_key(
    public_line: PublicLine, staff_line: StaffLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bare(keys: kept.Keys, tip: bytes, recipient: str, epoch: str, row: Rows) -> Sketched:
        return Sketched(tip, recipient, epoch, b"\x01" + row.tobytes())

    monkeypatch.setattr(kept, "sealed", bare)
    hits, shared = found(public_line, staff_line)
    assert hits > 10
    assert shared > 400
