"""Proofs: that a record is in the tree, or that the tree only grew, for somebody outside.

A proof is JSON. Who checks it needs no home and no database: only the proof, the checkpoint that
they kept and the key of the line that they kept with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from hotline.errors import BadInput, HotlineError
from hotline.store.audit import Placed
from hotline.triage.audit import AuditBroken, Books, key_of, leaf, read_checkpoint
from hotline.triage.tree import (
    Range,
    consistency_ranges,
    consistent,
    included,
    inclusion_ranges,
    leaf_hash,
    nodes_of,
    roots_of,
)
from hotline.vault.signing import NoteKey

INCLUSION, CONSISTENCY, EXPORT = "inclusion", "consistency", "export"
_HASH = 32  # bytes
_LONGEST_PATH = 128


class NotProved(HotlineError):
    """The proof does not lead where it says."""

    code = "not_proved"
    message = "The proof does not hold: records were altered, or it is not for this checkpoint."
    hint = "Keep the proof and both checkpoints as they are, and tell the people who run the line."


def prove_inclusion(
    line: Books, identity: bytes, checkpoint: str | None = None
) -> dict[str, object]:
    """That a record is in the tree under ``checkpoint`` (default: the newest). Raises BadInput,
    AuditBroken."""
    note, size, root = _head(line, checkpoint)
    index = line.audit.place(identity)
    if index is None or index >= size:
        raise BadInput(
            "No record of this id is under that checkpoint.",
            "Records that follow a reporter wait up to an hour; 'hotline audit list' shows ids.",
        )
    record = next(line.audit.rows(index))
    path = _roots(line, inclusion_ranges(index, size), size)
    if not included(leaf(record, index), index, size, path, root):
        raise AuditBroken
    return {
        "proof": INCLUSION,
        "record": record.record,
        "leaf": leaf_hash(record.record.encode()).hex(),
        "index": index,
        "size": size,
        "path": [step.hex() for step in path],
        "checkpoint": note,
    }


def prove_consistency(line: Books, kept: str) -> dict[str, object]:
    """That the newest tree begins with the one under ``kept``. Raises BadInput, AuditBroken."""
    _, old, old_root = _head(line, kept)
    note, size, root = _head(line, None)
    if old > size:
        raise AuditBroken
    path = _roots(line, consistency_ranges(old, size), size)
    if not consistent(old, size, old_root, root, path):
        raise AuditBroken
    return {
        "proof": CONSISTENCY,
        "from": old,
        "size": size,
        "path": [step.hex() for step in path],
        "checkpoint": note,
    }


def export(line: Books, rows: Sequence[Placed]) -> Iterator[str]:
    """JSON lines: a head with the newest checkpoint, then each record that stands under it with
    its audit path. Reads the log once, however many they are. Raises BadInput, AuditBroken."""
    note, size, root = _head(line, None)
    kept = sorted((row for row in rows if row.position < size), key=lambda row: row.position)
    paths = {row.position: inclusion_ranges(row.position, size) for row in kept}
    leaves = (leaf(row, at) for at, row in enumerate(islice(line.audit.rows(), size)))
    nodes = nodes_of({run for path in paths.values() for run in path}, leaves)
    head = {"proof": EXPORT, "size": size, "count": len(kept), "checkpoint": note}
    yield json.dumps(head) + "\n"
    for row in kept:
        try:
            path = [nodes[run] for run in paths[row.position]]
        except KeyError:
            raise AuditBroken from None
        if not included(leaf(row, row.position), row.position, size, path, root):
            raise AuditBroken
        steps = [step.hex() for step in path]
        yield json.dumps({"index": row.position, "record": row.record, "path": steps}) + "\n"


def _check_export(lines: list[str], kept: tuple[int, bytes], key: NoteKey) -> str:
    """Every line is under the checkpoint its reader kept, in order and as many as it says."""
    size, root = kept
    head = _read(lines[0])
    if read_checkpoint(key, str(head.get("checkpoint"))) != kept:
        raise BadInput(
            "The export stands under another checkpoint than the one you kept.",
            "Use the checkpoint of that moment; 'hotline audit prove --from' joins two of them.",
        )
    last = -1
    for line in lines[1:]:
        said = _object(line)
        record, index = said.get("record"), said.get("index")
        if not isinstance(record, str) or type(index) is not int or index <= last:
            raise NotProved
        if not included(leaf_hash(record.encode()), index, size, _path(said), root):
            raise NotProved
        last = index
    if head.get("count") != len(lines) - 1:
        raise NotProved
    return f"All {len(lines) - 1} records of the export are among the {size} under your checkpoint."


def check_proof(proof: str, checkpoint: str, key: NoteKey) -> str:
    """What the proof proves about the ``checkpoint`` its reader kept, as a sentence. Raises
    NotProved, or BadInput for what is no proof."""
    kept = read_checkpoint(key, checkpoint)
    if kept is None:
        raise BadInput(
            "This key did not sign the checkpoint you kept.", "Is it the key of this line?"
        )
    lines = proof.splitlines()
    if len(lines) > 0 and _is_export(lines[0]):
        return _check_export(lines, kept, key)
    said = _read(proof)
    path = _path(said)
    size, root = kept
    if said.get("proof") == INCLUSION:
        record, index = said.get("record"), said.get("index")
        if not isinstance(record, str) or type(index) is not int or said.get("size") != size:
            raise NotProved
        if not included(leaf_hash(record.encode()), index, size, path, root):
            raise NotProved
        return f"Record {index} is one of the {size} under your checkpoint: {record}"
    new = read_checkpoint(key, str(said.get("checkpoint")))
    if new is None or not 0 < size <= new[0] or not consistent(size, new[0], root, new[1], path):
        raise NotProved
    return f"The {size} records under your checkpoint are unchanged in the {new[0]} of today."


def _head(line: Books, note: str | None) -> tuple[str, int, bytes]:
    head = line.audit.head()
    if note is None and head is not None:
        note = head[1]
    signed = read_checkpoint(key_of(line), note) if note is not None else None
    if note is None or signed is None or not signed[0]:
        raise BadInput(
            "There is no checkpoint of this line to prove against.",
            "Give one that this line signed; 'hotline audit checkpoint' shows the newest.",
        )
    return note, *signed


def _roots(line: Books, ranges: list[Range], size: int) -> list[bytes]:
    rows = islice(line.audit.rows(), size)
    try:
        return roots_of(ranges, (leaf(row, at) for at, row in enumerate(rows)))
    except IndexError:
        raise AuditBroken from None


def _read(proof: str) -> Mapping[str, object]:
    said = _object(proof)
    if said.get("proof") not in (INCLUSION, CONSISTENCY, EXPORT):
        raise BadInput("This is no proof.", "'hotline audit prove' writes one.")
    return said


def _object(text: str) -> Mapping[str, object]:
    """A JSON object; an empty one for anything else."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _is_export(first: str) -> bool:
    return _object(first).get("proof") == EXPORT


def _path(said: Mapping[str, object]) -> list[bytes]:
    path = said.get("path")
    if not isinstance(path, list) or len(path) > _LONGEST_PATH:
        raise NotProved
    try:
        steps = [bytes.fromhex(step) for step in path]
    except (TypeError, ValueError):
        raise NotProved from None
    if any(len(step) != _HASH for step in steps):
        raise NotProved
    return steps
