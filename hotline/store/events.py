"""Events: which audit records exist and what each may hold. Any other is refused when written.

docs/audit.md says what each is for. A value is an id, a code, a number or a day, by pattern: there
is no field for a name, a number of a person, or free text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final


class Told(Enum):
    """How exactly a record tells its time (UTC)."""

    # A person's own act: the mark that keeps a reader honest is worth little without its second.
    SECOND = "%Y-%m-%dT%H:%M:%SZ"
    # The line's own doings that name no tip.
    HOUR = "%Y-%m-%dT%H:00Z"
    # What follows a reporter. Phone companies know when a number wrote to the line: any time next
    # to a tip's id would tell them which tip it was. ``received`` has the month, as the tip has.
    # The order of records must not tell it either: see AuditLog.sequence.
    NEVER = ""


_ID = re.compile(r"[0-9a-f]{32}")
_IDS = re.compile(r"[0-9a-f]{32}(,[0-9a-f]{32})*|")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODES = re.compile(r"[a-z_]{1,20}(,[a-z_]{1,20})*|")
# Queues, agencies and the keys of both, as profiles name them (security@BR-AC for implied ones:
# what follows an @ is a place, so that no address of a person fits).
_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}(@[A-Z]{2}(-[A-Z0-9]{1,16})?)?")
_ROOMS = re.compile(rf"{_ROOM.pattern}(,{_ROOM.pattern})*")
_COUNT = re.compile(r"[0-9]{1,12}")
_DIGEST = re.compile(r"[0-9a-f]{16,64}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Fields = Mapping[str, re.Pattern[str]]
_TIP: Final = {"tip": _ID}
_PERSON: Final = {"person": _ID}
_BY: Final = {"by": _ID}
_ON_TIP: Final = _TIP | _BY
_ON_REQUEST: Final = _BY | {"request": _ID, "deed": _CODE}
_BY_KEY: Final = {"package": _ID, "agency": _ROOM}
_ON_PACKAGE: Final = {"package": _ID} | _BY

# Fields that may be absent are named in _OPTIONAL.
EVENTS: Final[Mapping[str, tuple[Told, Fields]]] = {
    # What follows a reporter.
    "received": (Told.NEVER, _TIP | {"month": _MONTH}),
    "settled": (Told.NEVER, _TIP | {"queue": _ROOM}),
    "lapsed": (Told.NEVER, _TIP),
    "reporter_added": (Told.NEVER, _TIP),
    "relay_acknowledged": (Told.NEVER, _TIP | {"how": _CODE} | _BY),
    "recording_expired": (Told.NEVER, _TIP),
    "shredded": (Told.NEVER, _TIP | {"why": _CODE}),
    "package_overdue": (Told.NEVER, {"package": _ID, "stage": _CODE}),
    "package_delivered": (Told.NEVER, {"package": _ID, "agency": _ROOM}),
    "package_handed_over": (Told.NEVER, {"package": _ID, "agency": _ROOM}),
    "package_taken": (Told.NEVER, {"package": _ID, "agency": _ROOM}),
    # The line itself.
    "provider_erased": (Told.HOUR, {"count": _COUNT}),
    "provider_swept": (Told.HOUR, {"before": _DAY, "gone": _COUNT, "waiting": _COUNT}),
    "provider_alarm": (Told.HOUR, {"code": _CODE}),
    # Neither tip nor desk: an hour beside either would tell for ever when a report came.
    "duty_rung": (Told.HOUR, {"count": _COUNT}),
    "alarm_raised": (Told.HOUR, _PERSON | {"alarm": _ID, "code": _CODE}),
    "line_alarm": (Told.HOUR, {"code": _CODE}),
    "rules_activated": (
        Told.HOUR,
        {"by": re.compile(rf"line|{_IDS.pattern}"), "digest": _DIGEST},
    ),
    "samples_drawn": (Told.HOUR, {"count": _COUNT}),
    "epoch_destroyed": (Told.HOUR, {"epoch": _MONTH, "recipients": _ROOMS}),
    "month_released": (Told.HOUR, {"month": _MONTH, "digest": _DIGEST, "unread": _COUNT}),
    "releases_armed": (Told.SECOND, _BY | {"count": _COUNT}),
    "backup_key": (Told.HOUR, {"key": _DIGEST}),
    "backed_up": (Told.HOUR, {"copy": _CODE, "file": _ROOM}),
    "restored": (Told.HOUR, {"file": _ROOM}),
    "keys_restored": (Told.HOUR, {"file": _ROOM}),
    # People and keys.
    "request_asked": (Told.SECOND, _ON_REQUEST),
    "request_approved": (Told.SECOND, _ON_REQUEST),
    "request_refused": (Told.SECOND, _ON_REQUEST),
    "request_withdrawn": (Told.SECOND, _ON_REQUEST),
    "request_done": (Told.SECOND, _ON_REQUEST),
    "directory_changed": (Told.SECOND, {"by": _IDS, "change": _ROOM}),
    "rewrapped": (Told.SECOND, _BY | {"recipient": _ROOM, "month": _MONTH, "count": _COUNT}),
    "recovery_drilled": (Told.HOUR, {"key": _DIGEST}),
    "recovery_renewed": (Told.SECOND, _BY | {"key": _DIGEST}),
    "recovered": (Told.SECOND, _BY | {"to": _ID, "recipient": _ROOM}),
    "invited": (Told.SECOND, _BY | {"invitation": _ID, "roles": _CODES}),
    "invitation_agreed": (Told.SECOND, _BY | {"invitation": _ID}),
    "invitation_withdrawn": (Told.SECOND, _BY | {"invitation": _ID}),
    "joined": (Told.SECOND, _PERSON | {"invitation": _ID, "roles": _CODES}),
    "sessions_ended": (Told.SECOND, _BY | _PERSON),
    "person_renewed": (Told.SECOND, _BY | _PERSON),
    "authenticator_renewed": (Told.SECOND, _BY | _PERSON),
    "passphrase_changed": (Told.SECOND, _PERSON),
    # People, and what they do with a tip.
    "enrolled": (Told.SECOND, _PERSON | {"roles": _CODES}),
    "signed_in": (Told.SECOND, _PERSON),
    "sign_in_failed": (Told.SECOND, _PERSON),
    "roles_changed": (Told.SECOND, {"by": _IDS} | _PERSON | {"roles": _CODES}),
    "granted": (Told.SECOND, _BY | {"to": _ID, "recipient": _ROOM, "request": _ID}),
    "certified": (Told.SECOND, _BY | _PERSON | {"kind": _CODE, "until": _DAY}),
    "revoked": (Told.SECOND, _BY | _PERSON | {"recipient": _ROOM}),
    "claimed": (Told.SECOND, _ON_TIP),
    "assigned": (Told.SECOND, _ON_TIP | {"to": _ID}),
    "read": (Told.SECOND, _ON_TIP),
    "revealed": (Told.SECOND, _ON_TIP),
    "corrected": (Told.SECOND, _ON_TIP),
    "victim_described": (Told.SECOND, _ON_TIP),
    "doubts_decided": (Told.SECOND, _ON_TIP),
    "folded": (Told.SECOND, _ON_TIP),
    "noted": (Told.SECOND, _ON_TIP),
    "asked": (Told.SECOND, _ON_TIP),
    "replied": (Told.SECOND, _ON_TIP),
    "forwarded": (Told.SECOND, _ON_TIP | {"reason": _CODE, "packages": _IDS}),
    "close_requested": (Told.SECOND, _ON_TIP | {"reason": _CODE}),
    "close_refused": (Told.SECOND, _ON_TIP),
    "closed": (Told.SECOND, _ON_TIP | {"reason": _CODE}),
    "reopened": (Told.SECOND, _ON_TIP),
    "undone": (Told.SECOND, _ON_TIP),
    "checked": (Told.SECOND, _ON_TIP),
    "sample_agreed": (Told.SECOND, _ON_TIP),
    "rerouted": (Told.SECOND, _ON_TIP | {"queue": _ROOM, "reason": _CODE}),
    "linked": (Told.SECOND, _ON_TIP),
    "unlinked": (Told.SECOND, _ON_TIP),
    "told_apart": (Told.SECOND, _ON_TIP),
    "listened": (Told.SECOND, _ON_TIP),
    "recording_destroyed": (Told.SECOND, _ON_TIP | {"reason": _CODE}),
    "file_opened": (Told.SECOND, _ON_TIP),
    "file_previewed": (Told.SECOND, _ON_TIP),
    "file_kept": (Told.SECOND, _ON_TIP),
    "file_removed": (Told.SECOND, _ON_TIP),
    "held": (Told.SECOND, _ON_TIP),
    "hold_lifted": (Told.SECOND, _ON_TIP),
    "package_downloaded": (Told.SECOND, _ON_PACKAGE),
    "package_printed": (Told.SECOND, _ON_PACKAGE),
    "package_opened": (Told.SECOND, _ON_PACKAGE),
    "package_read": (Told.SECOND, _ON_PACKAGE),
    # No person of the line: the agency's own key signed for it.
    "package_fetched": (Told.NEVER, _BY_KEY),
    "package_confirmed_by_key": (Told.NEVER, _BY_KEY),
    "outcome_recorded_by_key": (Told.NEVER, _BY_KEY),
    "package_confirmed": (Told.SECOND, _ON_PACKAGE),
    "outcome_recorded": (Told.SECOND, _ON_PACKAGE),
    "package_transferred": (Told.SECOND, _ON_PACKAGE),
    "package_file_opened": (Told.SECOND, _ON_PACKAGE),
    "package_file_previewed": (Told.SECOND, _ON_PACKAGE),
    "alarm_acknowledged": (Told.SECOND, _BY | {"alarm": _ID, "reason": _CODE}),
    "line_alarm_seen": (Told.SECOND, _BY | {"code": _CODE}),
    "hours_set": (Told.SECOND, _BY | _PERSON),
    "canaries_counted": (Told.HOUR, {"count": _COUNT}),
    "audit_viewed": (Told.SECOND, _BY | {"about": _ID}),
    "audit_exported": (Told.SECOND, _BY | {"about": _ID, "count": _COUNT}),
    "took_calls": (Told.SECOND, _BY),
    "duty_code": (Told.SECOND, _BY),
    "errand_retried": (Told.SECOND, _BY),
    "errands_retried": (Told.SECOND, _BY | {"count": _COUNT}),
    "handover_written": (Told.SECOND, _BY | {"queue": _ROOM}),
    "handover_ended": (Told.SECOND, _BY | {"queue": _ROOM}),
    "capacity_set": (Told.SECOND, _BY | {"person": _ID, "count": _COUNT}),
}
_OPTIONAL: Final = frozenset(
    {
        ("recording_destroyed", "reason"),
        ("relay_acknowledged", "by"),
        ("granted", "request"),
        ("audit_viewed", "about"),
        ("audit_exported", "about"),
    }
)
ARRIVALS: Final = tuple(name for name, (told, _) in EVENTS.items() if told is Told.NEVER)


class NotARecord(ValueError):
    """An event or a field that docs/audit.md does not have: a mistake of the program's."""


def checked(event: str, fields: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The members of the record but its id. ``now`` is aware. Raises NotARecord, which never
    shows a value: it might be the very thing that must not be written."""
    if event not in EVENTS:
        raise NotARecord(f"no audit event is called {event}")
    told, allowed = EVENTS[event]
    for name in fields.keys() | allowed.keys():
        pattern, value = allowed.get(name), fields.get(name)
        if value is None and (event, name) in _OPTIONAL:
            continue
        if pattern is None or value is None or not pattern.fullmatch(value):
            raise NotARecord(f"the audit event {event} cannot hold this {name}")
    record = {"event": event, **fields}
    if told is not Told.NEVER:
        record["at"] = now.strftime(told.value)
    return record
