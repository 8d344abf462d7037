"""Profile checks: whether every name in a profile leads somewhere and every chain of it ends.

What each block says by itself is checked as it is read (profile_files.py); here, how the blocks
fit together. A block that every state or municipality shares is reported for the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from hotline.routing import leaving, register
from hotline.routing.profile import Agency, Profile
from hotline.routing.tables import Entry, nearest


def check(profile: Profile, sources: Mapping[str, Entry]) -> None:
    """Reports to the blocks of ``sources`` what does not fit; they share one list of problems."""
    top = sources["profile"]
    _scheme(profile, top)
    if top.problems:  # a key at the top that is wrong would be reported with every body
        return
    bodies = list(_bodies(profile, sources))
    _served(profile, sources)
    if top.problems:
        return
    for step in (_names, _chains, _standing):
        for entry, instances in bodies:
            _first(entry, (problem for one in instances for problem in step(profile, one)))
        if top.problems:  # chains of names that lead nowhere would be reported again and again
            break
    else:
        _holders(profile, sources)
    _sheet(profile, top)
    _queues(profile, sources)


_Found = tuple[str, str, str]  # key, sentence, hint
_MANY = 3  # problems of one kind from which one cause is likelier than many


def _first(entry: Entry, found: Iterable[_Found]) -> None:
    """One problem a block and key: what is wrong for one state is wrong for the next."""
    said: set[str] = set()
    for key, sentence, hint in found:
        if key not in said:
            said.add(key)
            entry.problem(sentence, hint, key)


def _bodies(profile: Profile, sources: Mapping[str, Entry]) -> Iterator[tuple[Entry, list[Agency]]]:
    """Each block with the bodies it gives; of a municipality's, one in each state."""
    found: dict[int, tuple[Entry, list[Agency]]] = {}
    for one in profile.agencies.values():
        entry = sources[one.id]
        found.setdefault(id(entry), (entry, []))[1].append(one)
    yield from found.values()
    for pattern in profile.patterns:
        bodies = [pattern.body(key, state) for key, state in profile.samples()]
        yield sources[pattern.entry.id], bodies


def _served(profile: Profile, sources: Mapping[str, Entry]) -> None:
    """Whether every jurisdiction is in the profile; said once where a state's prefix is wrong."""
    served = (profile.country, *profile.state_keys)
    outside = [
        one
        for one in profile.agencies.values()
        if one.jurisdiction not in served and profile.state_of(one.jurisdiction) is None
    ]
    for one in outside[: 1 if len(outside) > _MANY else _MANY]:
        more = f" ({len(outside) - 1} more likewise)" if len(outside) > _MANY else ""
        sentence = f"{one.id} serves {one.jurisdiction}, which is not served here{more}"
        hint = nearest(one.jurisdiction, served, "Take a state of states.toml, or a city in one.")
        sources[one.id].problem(sentence, hint, "jurisdiction")


def _names(profile: Profile, one: Agency) -> Iterator[_Found]:
    ids = list(profile.agencies)
    for key in ("parent", "via", "oversight"):
        named = getattr(one, key) or ()
        for id in (named,) if isinstance(named, str) else named:
            if profile.agency(id) is None:
                hint = nearest(id, ids, "Take an id of agencies.toml.")
                yield key, f"{one.id} names {id}, but no agency is called so", hint
    known = {other.kind for other in profile.agencies.values()}
    known |= {pattern.entry.kind for pattern in profile.patterns}
    for kind in sorted(one.stands_for - known):
        yield "stands_for", f"no agency is of the kind {kind}", nearest(kind, known, "Delete it.")


def _chains(profile: Profile, one: Agency) -> Iterator[_Found]:
    *_, last = profile.ancestors(one.id)
    if last.parent == one.id:  # a body below a circle is not itself the mistake
        hint = "Let the topmost of them have no parent."
        yield "parent", f"{one.id} stands under itself", hint
    if one.via is None:
        return
    seen: list[str] = []
    at: Agency | None = one
    while at is not None and at.via is not None and at.id not in seen:
        seen.append(at.id)
        at = profile.agency(at.via)
    if at is not None and at.id == one.id:
        yield "via", f"the via of {one.id} never ends", "Let the last of the chain have no via."
    inbox = profile.agency(one.via)
    if inbox is not None and inbox.via is None and not inbox.receives:
        hint = f"Name a body that has an inbox; {inbox.id} says receives = false."
        yield "via", f"{one.id} is received by a body without an inbox", hint


def _standing(profile: Profile, one: Agency) -> Iterator[_Found]:
    if one.way != leaving.INBOX and (one.via is not None or not one.receives):
        hint = "Write it where the inbox is, or delete it here."
        yield "delivery", f"{one.id} has no inbox of its own from which to deliver", hint
    if one.valid_from and one.valid_to and one.valid_from > one.valid_to:
        yield "valid_to", f"{one.id} ends before it begins", "Correct valid_from or valid_to."
    up = profile.agency(one.parent) if one.parent else None
    if up is not None and not profile.covers(up.jurisdiction, one.jurisdiction):
        hint = f"{up.id} serves only {up.jurisdiction}: correct the jurisdiction or the parent."
        yield "jurisdiction", f"{one.id} serves {one.jurisdiction}, but its parent does not", hint
    for pattern in profile.patterns:
        key = pattern.key(one.id, profile.scheme)
        if key and key != one.jurisdiction and profile.state_of(key):
            hint = "Correct the id or the jurisdiction: one row, one municipality."
            sentence = f"{one.id} replaces the body of another municipality than it serves"
            yield "jurisdiction", sentence, hint
    for id in one.oversight:
        if sentence := _unfit(profile, id):
            yield "oversight", f"{one.id}: {sentence}", "Name an independent body with an inbox."
        elif profile.under(id, (one.id,)):
            hint = "Name a body that neither stands under it nor receives through it."
            yield "oversight", f"{one.id} is overseen by {id}, which is recused with it", hint


def _unfit(profile: Profile, id: str) -> str:
    one = profile.agency(id)
    if one is None:
        return f"oversight {id}: no agency is called so"
    if not one.independent:
        return f"oversight {id} is not an independent agency"
    return "" if one.receives else f"oversight {id} has no inbox"


def _holders(profile: Profile, sources: Mapping[str, Entry]) -> None:
    """No function may have two holders in one jurisdiction on the same day."""
    held: dict[tuple[str, str], list[Agency]] = {}
    for one in (*profile.agencies.values(), *_implied(profile)):
        for function in one.functions:
            held.setdefault((function, one.jurisdiction), []).append(one)
    said: set[tuple[int, str]] = set()
    for (function, _), bodies in held.items():
        for at, one in enumerate(bodies[1:], 1):
            other = next((o for o in bodies[:at] if _overlap(one, o)), None)
            entry = sources.get(one.id) or _pattern(profile, sources, one)
            if other is not None and (id(entry), function) not in said:
                said.add((id(entry), function))
                hint = f"Take it from one, or let {other.id} end before {one.id} begins."
                sentence = f"{one.id} and {other.id} both hold {function} in one place"
                entry.problem(sentence, hint, "functions")


def _implied(profile: Profile) -> Iterator[Agency]:
    """What patterns give one municipality of each state, and each that a row is written for."""
    written = {o.jurisdiction for o in profile.agencies.values() if ":" in o.jurisdiction}
    for key in sorted({*written, *(key for key, _ in profile.samples())}):
        yield from (one for one in profile.municipal(key) if one.id not in profile.agencies)


def _pattern(profile: Profile, sources: Mapping[str, Entry], one: Agency) -> Entry:
    found = next(p for p in profile.patterns if p.key(one.id, profile.scheme) == one.jurisdiction)
    return sources[found.entry.id]


def _overlap(one: Agency, other: Agency) -> bool:
    starts = max(one.valid_from or date.min, other.valid_from or date.min)
    return starts <= min(one.valid_to or date.max, other.valid_to or date.max)


def _scheme(profile: Profile, top: Entry) -> None:
    countries, own = register.countries(), (profile.country, *profile.state_keys)
    if profile.country not in countries:
        hint = nearest(profile.country, countries, "Take two ISO letters, such as BR.")
        top.problem(f"there is no table of places for {profile.country}", hint, "country")
    if profile.state and profile.state not in profile.state_keys:
        hint = nearest(profile.state, profile.state_keys, "Take a key of states.toml.")
        top.problem(f"state {profile.state} is not in states.toml", hint, "state")
    if profile.suffix not in own:
        hint = nearest(profile.suffix, own, "Take the country or a key of states.toml.")
        top.problem(f"queues {profile.suffix} is not served here", hint, "queues")
    if not profile.scheme.startswith(f"{profile.country}:"):
        hint = f"Write it as {profile.country}: and the name of the codes."
        top.problem(f"places {profile.scheme} is no scheme of this country", hint, "places")


def _sheet(profile: Profile, top: Entry) -> None:
    staffed = [queue.id for queue in profile.queues.values() if queue.staffed]
    for desk in profile.desks:
        if desk not in staffed:
            hint = nearest(desk, staffed, "Take a queue of queues.toml with staffed = true.")
            top.problem(f"desk {desk} is not a staffed queue", hint, "desks")
    for id in profile.oversight:
        if sentence := _unfit(profile, id):
            fit = [one.id for one in profile.agencies.values() if one.independent and one.receives]
            top.problem(
                sentence, nearest(id, fit, "Name a body with independent = true."), "oversight"
            )
    _needs(profile, top)


def _needs(profile: Profile, top: Entry) -> None:
    needed = {
        'a [[number]] with purpose = "police"': any(
            one.purpose == "police" for one in profile.emergency
        ),
        "an [[elsewhere]], where else to report": bool(profile.elsewhere),
        "a [[state]] in states.toml": bool(profile.states),
    }
    for what, there in needed.items():
        if not there:
            top.problem(f"a profile needs {what}", "Copy one from a built-in profile and edit it.")


def _queues(profile: Profile, sources: Mapping[str, Entry]) -> None:
    own = (profile.country, *profile.state_keys)
    for queue in profile.queues.values():
        entry = sources[f"queue:{queue.id}"]
        if queue.agency not in profile.agencies:
            hint = nearest(queue.agency, profile.agencies, "Take an id of agencies.toml.")
            sentence = f"{queue.id} belongs to {queue.agency}, but none is called so"
            entry.problem(sentence, hint, "agency")
        _, colon, suffix = queue.id.partition(":")
        if colon and suffix not in own:
            hint = nearest(suffix, own, "Take the country or a key of states.toml.")
            entry.problem(f"{queue.id} is of a jurisdiction not served here", hint, "id")
