"""The audit tree: RFC 6962 against an independent implementation; nothing is altered unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sqlalchemy import text

from hotline.assembly import StaffLine
from hotline.triage import audit
from hotline.triage.audit import AuditBroken, Sequencer, sequence_and_sign, verify
from hotline.triage.tree import (
    Frontier,
    consistency,
    consistent,
    included,
    inclusion,
    leaf_hash,
    root_of,
)
from hotline.vault.signing import new_signer, sign_note

RECORDS = [f"record {number}".encode() for number in range(70)]
LEAVES = [leaf_hash(record) for record in RECORDS]
sizes = st.integers(1, len(RECORDS))


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for record in RECORDS:
        tree.append_entry(record)
    return tree


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    # RFC 6962, 2.1: MTH({}) = SHA-256().
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    # The leaf of an empty record, as in Certificate Transparency's own test vectors.
    leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == leaf


def test_roots_agree_with_an_independent_tree(oracle: InmemoryTree) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES, 1):
        frontier.add(leaf)
        assert frontier.root() == root_of(LEAVES[:size]) == oracle.get_root(size)


@given(size=sizes, data=st.data())
def test_inclusion_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path, root = inclusion(leaves, index), root_of(leaves)
    assert included(leaves[index], index, size, path, root)
    assert not included(leaf_hash(b"forged"), index, size, path, root)
    assert not included(leaves[index], index, size, [*path, root], root)
    assert not included(leaves[index], index, size, path, leaf_hash(b"root"))
    for other in range(size):
        if other != index:
            assert not included(leaves[index], other, size, path, root)


@given(size=sizes, data=st.data())
def test_inclusion_paths_are_the_ones_of_the_oracle(
    oracle: InmemoryTree, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    theirs = oracle.prove_inclusion(index + 1, size).path
    assert [LEAVES[index], *inclusion(LEAVES[:size], index)] == list(theirs)


@given(new=sizes, data=st.data())
def test_consistency_is_proved_and_nothing_else(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    before, after = root_of(LEAVES[:old]), root_of(LEAVES[:new])
    proof = consistency(LEAVES[:new], old)
    assert consistent(old, new, before, after, proof)
    assert not consistent(old, new, leaf_hash(b"forged"), after, proof)
    assert not consistent(old, new, before, leaf_hash(b"forged"), proof)
    if old < new:
        assert not consistent(old, new, before, after, [])
        assert not consistent(old, new, before, after, [*proof, before])


def test_a_checkpoint_kept_outside_proves_the_past(staff_line: StaffLine) -> None:
    size = sequence_and_sign(staff_line)
    kept = staff_line.audit.head()
    assert kept is not None and kept[0] == size > 0
    staff_line.audit.note("read", tip="00" * 16, by="11" * 16)
    assert verify(staff_line).waiting == 1
    assert sequence_and_sign(staff_line) == size + 1
    report = verify(staff_line, kept[1])
    assert report.sound
    assert (report.size, report.checked, report.waiting) == (size + 1, size, 0)


def test_one_sequencer_reads_only_what_is_new(staff_line: StaffLine) -> None:
    sequencer = Sequencer(staff_line)
    first = sequencer.run()
    assert sequencer.run() == first
    for number in range(5):
        staff_line.audit.note("read", tip=f"{number:032x}", by="11" * 16)
    assert sequencer.run() == first + 5
    assert verify(staff_line).sound


def alter(line: StaffLine, statement: str) -> None:
    line.database.write(lambda connection: connection.execute(text(statement)))


def test_an_altered_record_is_found_and_never_signed_over(staff_line: StaffLine) -> None:
    size = sequence_and_sign(staff_line)
    kept = staff_line.audit.head()
    assert kept is not None
    alter(staff_line, "UPDATE audit SET record = '{}' WHERE position = 0")
    assert not verify(staff_line).sound
    assert not verify(staff_line, kept[1]).sound
    staff_line.audit.note("read", tip="00" * 16, by="11" * 16)
    with pytest.raises(AuditBroken):
        sequence_and_sign(staff_line)
    assert staff_line.audit.head() == kept
    assert kept[0] == size


def test_a_lost_record_is_found(staff_line: StaffLine) -> None:
    size = sequence_and_sign(staff_line)
    alter(staff_line, f"DELETE FROM audit WHERE position = {size - 1}")
    assert not verify(staff_line).sound


def test_a_head_that_somebody_else_signed_is_refused(staff_line: StaffLine) -> None:
    sequence_and_sign(staff_line)
    name = audit.origin(staff_line)
    forged = sign_note(name, new_signer(), audit.write_checkpoint(name, 1, b"\0" * 32))
    report = verify(staff_line, forged)
    assert not report.sound
    assert report.checked == 0


def test_the_ledger_of_a_fresh_line_balances(staff_line: StaffLine) -> None:
    figures = audit.ledger(staff_line)
    assert figures == dict.fromkeys(figures, 0)
    assert list(figures) == ["received", "waiting", "forwarded", "closed", "shredded"]
    assert audit.balanced(figures)
    assert not audit.balanced(figures | {"received": 1})
