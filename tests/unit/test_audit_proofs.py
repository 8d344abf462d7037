"""What an outsider can check, whoever holds the server: notes, proofs and kept checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import ConsistencyProof, InclusionProof, InmemoryTree, verify_consistency
from pymerkle import verify_inclusion as verify_theirs
from sqlalchemy import text

from hotline.assembly import StaffLine
from hotline.cli import root as main
from hotline.commands.prove import audit as commands
from hotline.errors import BadInput
from hotline.store.audit import AuditLog
from hotline.triage.audit import (
    AuditBroken,
    Sequencer,
    key_of,
    origin,
    read_checkpoint,
    sequence_and_sign,
    stuck,
    verify,
    write_checkpoint,
)
from hotline.triage.proofs import NotProved, check_proof, prove_consistency, prove_inclusion
from hotline.triage.tree import (
    Frontier,
    consistency,
    consistent,
    included,
    inclusion,
    leaf_hash,
    root_of,
)
from hotline.triage.witness import NotKept
from hotline.vault.signing import NoteKey, new_signer, sign_note, verify_note
from tests.conftest import MovableClock

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "merkle_rfc6962.json").read_text(encoding="utf-8")
)
# The example of Go's golang.org/x/mod/sumdb/note, from which C2SP's signed-note was written.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = "14500b5516368e0f8449cc0cf5408e0ebf98ee17d9c74fda244bf1757471ca0c5cc5"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def go_key() -> NoteKey:
    key = NoteKey.read(GO_KEY)
    assert key is not None
    return key


def test_a_note_of_another_implementation_is_read() -> None:
    key = go_key()
    assert str(key) == GO_KEY
    assert verify_note(key, GO_NOTE) == GO_TEXT
    assert verify_note(key, GO_NOTE.replace("cryptography", "cryptographY")) is None


def test_signatures_of_others_are_ignored_and_a_bad_one_of_ours_condemns() -> None:
    seed = new_signer()
    key = NoteKey.of("hotline/x/1", seed)
    note = sign_note(key.name, seed, "a\n\nb\n")
    assert verify_note(key, note) == "a\n\nb\n"
    theirs = GO_NOTE.rpartition("\n\n")[2]
    assert verify_note(key, note + theirs) == "a\n\nb\n", "a witness signs after us"
    head, _, ours = note.rpartition("\n\n")
    assert verify_note(key, f"{head}\n\n{theirs}{ours}") == "a\n\nb\n"
    wrong = sign_note(key.name, seed, "other\n").rpartition("\n\n")[2]
    assert verify_note(key, note + wrong) is None
    assert verify_note(go_key(), note) is None
    for bad in (note[:-1], note + "x", note.replace("a", "\t"), "", "\n", note.replace("— ", "- ")):
        assert verify_note(key, bad) is None


@given(st.text(max_size=60))
@settings(max_examples=25)
def test_no_text_passes_for_a_note_or_a_key(text: str) -> None:
    assert verify_note(go_key(), text) is None
    assert NoteKey.read(text) is None


@pytest.mark.parametrize("size", ["01", "-1", "+1", "1 ", "1.0", "٣", "", "1" * 30])
def test_a_checkpoint_has_one_spelling(size: str) -> None:
    seed = new_signer()
    key = NoteKey.of("hotline/x/1", seed)
    good = write_checkpoint(key.name, 3, b"\1" * 32)
    assert read_checkpoint(key, sign_note(key.name, seed, good)) == (3, b"\1" * 32)
    lines = good.split("\n")
    for bad in (
        "\n".join([lines[0], size, lines[2], ""]),
        "\n".join(["hotline/other", lines[1], lines[2], ""]),
        "\n".join([lines[0], lines[1], "AAAA", ""]),
        good + "extension\n",
    ):
        assert read_checkpoint(key, sign_note(key.name, seed, bad)) is None


def test_the_trees_of_certificate_transparency_are_ours() -> None:
    leaves = [leaf_hash(bytes.fromhex(record)) for record in VECTORS["leaves"]]
    roots = [bytes.fromhex(root) for root in VECTORS["roots"]]
    assert [root_of(leaves[:size]) for size in range(1, 9)] == roots
    for case in VECTORS["inclusion"]:
        path = [bytes.fromhex(step) for step in case["path"]]
        assert inclusion(leaves[: case["size"]], case["index"]) == path
        leaf, root = leaves[case["index"]], roots[case["size"] - 1]
        assert included(leaf, case["index"], case["size"], path, root)
    for case in VECTORS["consistency"]:
        path = [bytes.fromhex(step) for step in case["path"]]
        assert consistency(leaves[: case["size"]], case["old"]) == path
        old, new = roots[case["old"] - 1], roots[case["size"] - 1]
        assert consistent(case["old"], case["size"], old, new, path)


RECORDS = [f"record {number}".encode() for number in range(300)]
LEAVES = [leaf_hash(record) for record in RECORDS]


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for record in RECORDS:
        tree.append_entry(record)
    return tree


@given(size=st.integers(1, len(RECORDS)), data=st.data())
def test_our_proofs_hold_there_and_theirs_here(
    oracle: InmemoryTree, size: int, data: st.DataObject
) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, before = root_of(LEAVES[:size]), root_of(LEAVES[:old])
    ours, theirs = inclusion(LEAVES[:size], index), oracle.prove_inclusion(index + 1, size)
    assert included(LEAVES[index], index, size, theirs.path[1:], root)
    proof = theirs.serialize() | {"path": [step.hex() for step in [LEAVES[index], *ours]]}
    verify_theirs(LEAVES[index], root, InclusionProof.deserialize(proof), index + 1, size)
    # Their consistency proofs split the newer leaves otherwise than RFC 6962 does: the states must
    # agree, and what theirs proves ours proves too.
    grown = oracle.prove_consistency(old, size)
    assert isinstance(grown, ConsistencyProof)
    verify_consistency(before, root, grown, old, size)
    assert consistent(old, size, before, root, consistency(LEAVES[:size], old))
    other = root_of([*LEAVES[: old - 1], leaf_hash(b"forged")])
    assert not consistent(old, size, other, root, consistency(LEAVES[:size], old))


# A line, an outsider, and somebody who holds the whole server.


def more(line: StaffLine, count: int) -> None:
    for number in range(count):
        line.audit.note("read", tip=f"{number:032x}", by="11" * 16)


def alter(line: StaffLine, statement: str, **values: object) -> None:
    line.database.write(lambda connection: connection.execute(text(statement), values))


def head(line: StaffLine) -> str:
    found = line.audit.head()
    assert found is not None
    return found[1]


def rewritten(line: StaffLine) -> None:
    """History as somebody would leave it who has the database and the audit key: every record
    fits, every head is signed anew."""
    tree = Frontier()
    for row in line.audit.rows():
        tree.add(leaf_hash(row.record.encode()))
    alter(line, "DELETE FROM heads")
    name = line_name(line)
    checkpoint = write_checkpoint(name, tree.size, tree.root())
    line.audit.sign(tree.size, sign_note(name, line.audit_key, checkpoint))


def line_name(line: StaffLine) -> str:
    return f"hotline/{line.profile.id}/{line.directory.fingerprint[:16]}"


def drop_last(line: StaffLine, size: int) -> None:
    alter(line, "DELETE FROM audit WHERE position = :p", p=size - 1)


def drop_middle(line: StaffLine, size: int) -> None:
    alter(line, "DELETE FROM audit WHERE position = :p", p=size - 3)
    for place in range(size - 2, size):
        alter(line, "UPDATE audit SET position = :q WHERE position = :p", p=place, q=place - 1)


def swap(line: StaffLine, size: int) -> None:
    for before, after in ((size - 2, -7), (size - 3, size - 2), (-7, size - 3)):
        alter(line, "UPDATE audit SET position = :q WHERE position = :p", p=before, q=after)


def reword(line: StaffLine, size: int) -> None:
    statement = "UPDATE audit SET record = replace(record, :a, :b) WHERE position = :p"
    alter(line, statement, a='"at":"20', b='"at":"19', p=size - 2)


ATTACKS = [drop_last, drop_middle, swap, reword]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_stolen_key_does_not_rewrite_what_an_outsider_kept(
    staff_line: StaffLine, attack: Callable[[StaffLine, int], None]
) -> None:
    more(staff_line, 9)
    size = sequence_and_sign(staff_line)
    kept, key = head(staff_line), key_of(staff_line)
    attack(staff_line, size)
    assert not verify(staff_line).sound, "without the key the line itself finds it"
    rewritten(staff_line)
    assert verify(staff_line).sound, "with the key nothing inside can"
    report = verify(staff_line, kept, key)
    assert not report.sound
    assert report.problems == ("The records do not give the checkpoint: the past was altered.",)
    with pytest.raises(AuditBroken):
        prove_consistency(staff_line, kept)


def test_records_added_later_do_not_hide_a_truncation(staff_line: StaffLine) -> None:
    more(staff_line, 9)
    size = sequence_and_sign(staff_line)
    kept = head(staff_line)
    drop_last(staff_line, size)
    more(staff_line, 1)
    staff_line.audit.sequence()
    rewritten(staff_line)
    assert [row.position for row in staff_line.audit.rows()] == list(range(size))
    assert not verify(staff_line, kept).sound


def test_a_running_sequencer_never_signs_over_a_truncation(staff_line: StaffLine) -> None:
    sequencer = Sequencer(staff_line)
    more(staff_line, 3)
    size = sequencer.run()
    drop_last(staff_line, size)
    more(staff_line, 2)
    for _ in range(2):
        with pytest.raises(AuditBroken):
            sequencer.run()
    assert staff_line.audit.head()[0] == size  # type: ignore[index]


def test_what_is_altered_below_the_head_is_found_within_a_day(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    sequencer = Sequencer(staff_line)
    more(staff_line, 3)
    size = sequencer.run()
    reword(staff_line, size)
    more(staff_line, 1)
    assert sequencer.run() == size + 1
    clock.advance(86400)
    with pytest.raises(AuditBroken):
        sequencer.run()


@pytest.mark.parametrize("column", ["event = 'noted'", "id = x'00'"])
def test_columns_must_say_what_the_record_says(staff_line: StaffLine, column: str) -> None:
    """The ledger counts by the column."""
    more(staff_line, 3)
    size = sequence_and_sign(staff_line)
    if "x'" in column and not staff_line.database.sqlite:
        column = "id = '\\x00'"
    alter(staff_line, f"UPDATE audit SET {column} WHERE position = :p", p=size - 1)
    report = verify(staff_line)
    assert f"Record {size - 1} is missing, out of order or altered." in report.problems


def test_every_kept_head_is_checked_and_one_an_hour_is_kept(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    sequencer = Sequencer(staff_line)
    sizes = []
    for _ in range(3):
        for _ in range(4):
            more(staff_line, 1)
            size = sequencer.run()
        sizes.append(size)
        clock.advance(3600)
    assert [kept for kept, _ in staff_line.audit.heads()] == sizes
    assert verify(staff_line).sound
    name = origin(staff_line)
    forged = sign_note(name, staff_line.audit_key, write_checkpoint(name, sizes[0], b"\0" * 32))
    alter(staff_line, "UPDATE heads SET note = :n WHERE size = :s", n=forged, s=sizes[0])
    assert "The records do not give an older signed head." in verify(staff_line).problems


def test_a_replaced_key_is_said(staff_line: StaffLine) -> None:
    more(staff_line, 3)
    sequence_and_sign(staff_line)
    kept, key = head(staff_line), key_of(staff_line)
    other = replace(staff_line, audit_key=new_signer())
    rewritten(other)
    report = verify(other, kept, key)
    assert "The line signs with another key than the one that was kept." in report.problems
    assert verify(staff_line, kept, NoteKey.of("hotline/x/1", new_signer())).checked == 0


def test_two_sequencers_never_break_the_tree(staff_line: StaffLine) -> None:
    """The serving process, and 'audit verify' beside it."""
    one, two = Sequencer(staff_line), Sequencer(staff_line)
    for _ in range(3):
        more(staff_line, 2)
        one.run()
        more(staff_line, 1)
        two.run()
    one.run()
    assert verify(staff_line).sound


def test_records_nobody_puts_in_order_ring(staff_line: StaffLine, clock: MovableClock) -> None:
    assert not stuck(staff_line), "a line that never ran is new"
    more(staff_line, 1)
    Sequencer(staff_line).run()
    more(staff_line, 1)
    assert not stuck(staff_line)
    clock.advance(3 * 3600)
    assert stuck(staff_line)
    Sequencer(staff_line).run()
    assert not stuck(staff_line)


def test_checkpoints_are_laid_down_where_outsiders_fetch_them(
    staff_line: StaffLine, clock: MovableClock, tmp_path: Path
) -> None:
    medium = tmp_path / "medium"
    line = replace(staff_line, settings=replace(staff_line.settings, witness=medium))
    sequencer = Sequencer(line)
    more(line, 1)
    with pytest.raises(NotKept):
        sequencer.run()  # the medium is not there
    medium.mkdir()
    sequencer.run()
    first = head(line)
    assert (line.settings.public / "checkpoint").read_text() == first
    assert (medium / f"checkpoint-{clock.day()}").read_text() == first
    clock.advance(86400)
    more(line, 1)
    sequencer.run()
    assert (line.settings.public / "checkpoint").read_text() == head(line) != first
    assert sorted(file.read_text() for file in medium.iterdir()) == sorted([first, head(line)])


@given(data=st.data())
def test_a_proof_proves_one_thing(proved: Proved, data: st.DataObject) -> None:
    """Whatever else it is changed to say."""
    said = json.loads(proved.inclusion)
    change = data.draw(
        st.sampled_from(
            [
                {"index": said["index"] ^ 1},
                {"index": -1},
                {"index": True},
                {"index": 10**30},
                {"size": said["size"] + 1},
                {"record": said["record"].replace("11", "22")},
                {"record": None},
                {"path": said["path"][:-1]},
                {"path": [*said["path"], "00" * 32]},
                {"path": ["00" * 31] * len(said["path"])},
                {"path": "00" * 32},
                {"path": ["zz"]},
                {"path": [1]},
                {"proof": "consistency"},
            ]
        )
    )
    with pytest.raises(NotProved):
        check_proof(json.dumps(said | change), proved.newer, proved.key)


class Proved:
    def __init__(self, line: StaffLine) -> None:
        more(line, 9)
        sequence_and_sign(line)
        self.kept, self.key = head(line), key_of(line)
        more(line, 9)
        sequence_and_sign(line)
        self.newer = head(line)
        row = list(line.audit.rows())[-5]
        self.inclusion = json.dumps(prove_inclusion(line, row.id))
        self.consistency = json.dumps(prove_consistency(line, self.kept))


@pytest.fixture(scope="module")
def proved(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Proved:
    from hotline.assembly import assemble_staff
    from tests.line import copy_line

    home = tmp_path_factory.mktemp("proved")
    line = assemble_staff(copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}"))
    made = Proved(line)
    line.close()
    return made


def test_an_outsider_checks_proofs_with_nothing_of_the_line(
    proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOTLINE_HOME", raising=False)
    files = {
        "inclusion": proved.inclusion,
        "consistency": proved.consistency,
        "kept": proved.kept,
        "newer": proved.newer,
        "key": str(proved.key) + "\n",
        "other": str(NoteKey.of(proved.key.name, new_signer())),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")

    def check(proof: str, checkpoint: str, key: str = "key") -> tuple[int, str]:
        done = CliRunner().invoke(
            commands,
            [
                *("check-proof", str(tmp_path / proof)),
                *("--checkpoint", str(tmp_path / checkpoint)),
                *("--public-key", str(tmp_path / key)),
            ],
        )
        return done.exit_code, done.output

    assert check("inclusion", "newer")[0] == 0
    code, said = check("consistency", "kept")
    assert (code, "are unchanged" in said) == (0, True)
    assert check("inclusion", "kept")[0] == 1, "it proves nothing about another checkpoint"
    assert check("consistency", "kept", "other")[0] == 1
    assert check("kept", "kept")[0] == 1
    swapped = json.loads(proved.consistency) | {"checkpoint": proved.kept}
    with pytest.raises(NotProved):
        check_proof(json.dumps(swapped), proved.kept, proved.key)
    with pytest.raises(BadInput):
        check_proof("[" * 100_000, proved.kept, proved.key)


def test_a_record_that_waits_has_no_proof_yet(staff_line: StaffLine) -> None:
    more(staff_line, 1)
    sequence_and_sign(staff_line)
    with pytest.raises(BadInput):
        prove_inclusion(staff_line, bytes(16))
    with pytest.raises(BadInput):
        prove_consistency(staff_line, GO_NOTE)


def test_a_proof_reads_millions_without_keeping_them() -> None:
    """The leaves may be an iterator that is gone afterwards."""
    from hotline.triage.tree import inclusion_ranges, roots_of

    size, index = 5000, 1234
    path = roots_of(inclusion_ranges(index, size), (leaf_hash(b"%d" % i) for i in range(size)))
    root = root_of(leaf_hash(b"%d" % i) for i in range(size))
    assert included(leaf_hash(b"%d" % index), index, size, path, root)
    with pytest.raises(IndexError):
        roots_of(inclusion_ranges(index, size), (leaf_hash(b"%d" % i) for i in range(size - 1)))


def test_the_commands_of_an_officer(
    founded_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.line import copy_line

    settings = copy_line(founded_home, tmp_path, f"sqlite:///{tmp_path / 'hotline.db'}")
    monkeypatch.setenv("HOTLINE_HOME", str(settings.home))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["audit", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert run("verify").startswith("sound")
    kept, key = tmp_path / "kept", tmp_path / "key"
    kept.write_text(run("checkpoint"), encoding="utf-8")
    key.write_text(run("key"))
    assert kept.read_text() == (settings.public / "checkpoint").read_text()
    assert run("verify", "--checkpoint", str(kept), "--public-key", str(key)).startswith("sound")
    record = json.loads(run("list", "--event", "enrolled", "--json").splitlines()[0])
    assert record["id"] in run("list", "--id", record["person"])
    proof = tmp_path / "proof"
    proof.write_text(run("prove", record["id"]))
    assert "is one of the" in run(
        "check-proof", str(proof), "--checkpoint", str(kept), "--public-key", str(key)
    )
    proof.write_text(run("prove", "--from", str(kept)))
    assert "unchanged" in run(
        "check-proof", str(proof), "--checkpoint", str(kept), "--public-key", str(key)
    )
    kept.write_text(kept.read_text().replace("\n", "\n1", 1), encoding="utf-8")
    broken = CliRunner().invoke(main, ["audit", "verify", "--checkpoint", str(kept)])
    assert broken.exit_code == 1
    assert "ALTERED" in broken.output


def test_the_log_has_one_name(staff_line: StaffLine) -> None:
    """A profile that is renamed later does not make another log of it."""
    more(staff_line, 1)
    sequence_and_sign(staff_line)
    renamed = replace(staff_line, profile=replace(staff_line.profile, id="other"))
    more(renamed, 1)
    sequence_and_sign(renamed)
    assert verify(renamed).sound
    assert isinstance(renamed.audit, AuditLog)
