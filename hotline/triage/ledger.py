"""Ledger: received = waiting + forwarded + closed + shredded, always (promise 4).

The quick check counts, and looks for every tip of which anything was recorded since the last
balance that was signed. The full one looks for every tip there ever was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hotline.store.facts import Facts
from hotline.store.ledger import RECEIVED, SHREDDED, Ledger
from hotline.tips import State
from hotline.triage.audit import Books, balanced, figures, key_of
from hotline.vault.signing import sign_note, verify_note

BALANCED, UNBALANCED = "ledger_balanced", "ledger_unbalanced"
HOUR = "%Y-%m-%dT%HZ"
_WORD, _NOTHING = "ledger", "nothing"
_NAMES: dict[str, str] = {
    State.OPEN: "waiting",
    State.WAITING: "waiting",
    State.FORWARDED: "forwarded",
    State.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class Base:
    """The last balance that was signed: the records with a place below ``size`` told of so many
    tips received and shredded. ``hour`` (UTC) is when."""

    size: int = 0
    received: int = 0
    shredded: int = 0
    hour: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong (a code of PROBLEMS), how often, and the tips, as far as one can name them."""

    code: str
    count: int
    tips: tuple[bytes, ...] = ()


PROBLEMS = {
    "lost": "were received, were never shredded, and have no row",
    "resurrected": "were shredded and have a row",
    "unrecorded": "have a row and no record of arrival",
    "doubled": "have more than one record of arrival or of shredding",
    "unreceived": "were shredded and never received",
    "not_balanced": "is the difference between what came and what is accounted for",
    "rolled_back": "records are fewer than when the last balance was signed",
    "month_off": "months do not balance on their own",
}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Check:
    """``months``: the five figures of each month of arrival, only in a full check."""

    figures: dict[str, int]
    problems: tuple[Problem, ...]
    months: dict[str, dict[str, int]]

    @property
    def sound(self) -> bool:
        return not self.problems


def base(line: Books) -> Base:
    """The last signed balance; nothing at all when there is none or its signature does not hold:
    then everything is counted."""
    note = Facts(line.database).get(BALANCED)
    lines = (verify_note(key_of(line), note) or "").split("\n")
    if len(lines) != 6 or lines[0] != _WORD:
        return Base()
    return Base(int(lines[1]), int(lines[2]), int(lines[3]), lines[4])


def quick(line: Books) -> Check:
    """Counts tips by state (one pass over an index), and looks at what was recorded since the last
    signed balance. Signs a new one if all is well."""
    with Ledger.of(line.database) as book:
        before, size, gone = base(line), book.size(), 0
        if size < before.size:
            before, gone = Base(), before.size - size
        came = [tip for tip, _ in book.named(RECEIVED, before.size)]
        went = [tip for tip, _ in book.named(SHREDDED, before.size)]
        received, shredded = before.received + len(came), before.shredded + len(went)
        counts = figures(book.states(), received, shredded)
        there, ended = book.there([*came, *went]), set(went)
        problems = [
            *_problem("rolled_back", gone),
            *_named("lost", [tip for tip in came if tip not in there and tip not in ended]),
            *_named("resurrected", ended & there),
            *_named("doubled", _twice(came) | _twice(went)),
            *_unbalanced(counts),
        ]
        after = _placed(book, received, shredded)
    return _ended(line, Check(counts, tuple(problems), {}), after)


def full(line: Books) -> Check:
    """Looks for every tip there ever was, by its id: sorted arrays of 16 bytes an id. Signs a new
    balance if all is well."""
    from hotline.triage.ledger_arrays import compared  # numpy: a tenth of a second at every start

    with Ledger.of(line.database) as book:
        before, size = base(line), book.size()
        found = compared(book, _NAMES)
        counts = figures(book.states(), found.received, found.shredded)
        after = _placed(book, found.received, found.shredded)
        gone = max(before.size - size, 0)
        off = sum(not balanced(one) for one in found.months.values())
        problems = [
            *_problem("rolled_back", gone),
            *(
                Problem(code, count, tips)
                for code, (count, tips) in found.problems.items()
                if count
            ),
            *_unbalanced(counts),
            *_problem("month_off", off),
        ]
    check = Check(counts, tuple(problems), dict(sorted(found.months.items())))
    return _ended(line, check, after)


def by_queue(line: Books) -> dict[str, dict[str, int]]:
    """Where tips are, by queue. How many came to one is not at rest."""
    found: dict[str, dict[str, int]] = {}
    with Ledger.of(line.database) as book:
        for (queue, state), count in sorted(book.queues().items()):
            one = found.setdefault(queue, dict.fromkeys(("waiting", "forwarded", "closed"), 0))
            one[_NAMES[state]] += count
    return found


def unbalanced(line: Books) -> bool:
    """Whether the last check found something: a look at one row."""
    return Facts(line.database).get(UNBALANCED) not in ("", _NOTHING)


def _ended(line: Books, check: Check, after: Base) -> Check:
    """Remembers what a check found, and signs ``after`` when that is nothing."""
    facts, key = Facts(line.database), key_of(line)
    seen, wrong = facts.get(UNBALANCED), ",".join(one.code for one in check.problems) or _NOTHING
    if wrong != seen:
        facts.swap(UNBALANCED, seen, wrong)
    if check.sound:
        hour = line.clock.now().strftime(HOUR)
        text = f"{_WORD}\n{after.size}\n{after.received}\n{after.shredded}\n{hour}\n"
        signed = sign_note(key.name, line.audit_key, text)
        facts.swap(BALANCED, facts.get(BALANCED), signed)
    return check


def _placed(book: Ledger, received: int, shredded: int) -> Base:
    """Records without a place yet are no part of what is signed: they are counted again."""
    return Base(book.size(), received - book.unplaced(RECEIVED), shredded - book.unplaced(SHREDDED))


def _unbalanced(counts: dict[str, int]) -> Iterable[Problem]:
    rest = sum(counts.values()) - counts["received"]
    return _problem("not_balanced", abs(counts["received"] - rest))


def _problem(code: str, count: int) -> Iterable[Problem]:
    return [Problem(code, count)] if count else []


def _named(code: str, tips: Iterable[bytes]) -> Iterable[Problem]:
    found = sorted(set(tips))
    return [Problem(code, len(found), tuple(found[:_SHOWN]))] if found else []


def _twice(tips: Iterable[bytes]) -> set[bytes]:
    return {tip for tip, count in Counter(tips).items() if count > 1}
