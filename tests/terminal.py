"""Terminal: what officers type on the command line, and two of them who agree."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pyotp

from hotline import demo
from hotline.assembly import StaffLine
from hotline.settings import Settings
from hotline.store.database import Database
from hotline.store.people import People
from hotline.triage.approvals import Deed


@dataclass(frozen=True, slots=True)
class Typed:
    """Lines of passphrases and one-time codes for people of one line: ``typed("ana", "bia")``."""

    database_url: str
    known: dict[str, tuple[str, str]]  # name → passphrase, secret

    @classmethod
    def of_demo(cls, settings: Settings) -> Typed:
        rows = json.loads((settings.home / demo.LOGINS).read_text())
        return cls(settings.database_url, {row[0]: (demo.PASSPHRASE, row[2]) for row in rows})

    @classmethod
    def printed(cls, database_url: str, output: str, words: Mapping[str, str]) -> Typed:
        """With the secrets that ``hotline init`` printed, and their passphrases."""
        secrets = dict(re.findall(r"(\w+): one-time-code secret, shown once: (\w{32})", output))
        return cls(database_url, {name.lower(): (words[name], secrets[name]) for name in words})

    def __call__(self, *names: str) -> str:
        """A code works once: the last one used is forgotten, as if half a minute had passed. Each
        is that of a clock half a minute ahead, so that it is good for longer on a busy machine."""
        database, lines = Database(self.database_url), ""
        people = People(database)
        for name in names:
            passphrase, secret = self.known[name]
            people.change(people.named(name).id, totp_last=0)
            lines += f"{passphrase}\n{pyotp.TOTP(secret).at(int(time.time()) + 30)}\n"
        database.close()
        return lines


def agree(line: StaffLine, deed: Deed, facts: dict[str, str], reason: str = "agreed") -> bytes:
    """Olga asks and Otávio approves; who asked."""
    olga, otavio = (line.access.people.named(name) for name in ("olga", "otavio"))
    asked = line.approvals.ask(olga.id, deed, facts, reason)
    line.approvals.approve(otavio.id, asked.id)
    return olga.id


def sheets_in(output: str) -> list[str]:
    """The words of every printed sheet, in their order."""
    pages = [page for page in output.split("\f") if " 1. " in page]
    found = []
    for page in pages:
        numbered = {int(n): word for n, word in re.findall(r"(\d+)\. ([a-z]+)", page)}
        found.append(" ".join(numbered[n] for n in range(1, 34)))
    return found
