"""Trends for tests: the analysts' site over releases of every shipped type, without noise, and
figures of a publisher that nobody could take for real ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from hotline.analysis.crosswalk import crosswalk
from hotline.analysis.domain import Domain
from hotline.analysts.access import Accounts
from hotline.routing.classify import type_groups, type_names
from hotline.settings import Settings
from hotline.web import apps
from tests.conftest import MovableClock
from tests.releases import POLICY, Kind, Small, counts, exact, row, write

WORDS = "four quiet rivers bend"
MONTHS = ("2026-01", "2026-02", "2026-03")
_ICCS = {pair.crime_type: pair.iccs for pair in crosswalk().pairs}
EVERY = Domain.of(
    "BR",
    Small(),
    [
        Kind(
            code, type_groups()[code], _ICCS[code], {one.value: told for one, told in all_.items()}
        )
        for code, all_ in type_names().items()
    ],
    "2026.1",
    POLICY,
)
# 990 reports a month, ten of each row of tests/unit/test_extract.py.
ROWS = (
    [row()] * 200
    + [row(type="ORG-02", municipality="BR:IBGE:3300100", channel="sms")] * 120
    + [row(type="PRP-01", municipality="BR:IBGE:3500001", state="BR-SP")] * 30
    + [row(type="GBV-01", language="es")] * 150
    + [row(type="INT-02")] * 300
    + [row(integrity=True, outcome="forwarded")] * 100
    + [row(municipality="unknown", state="unknown")] * 90
)
# Synthetic: ones and twos alone, of towns that are called so.
ISP = (
    "fmun_cod;fmun;ano;mes;mes_ano;regiao;hom_por_interv_policial;lesao_corp_dolosa;trafico_drogas"
    ";feminicidio;fase\n"
    "3300100;SINTÉTICA UM;2026;1;2026m01;Interior;1;11;111;;2\n"
    "3304557;SINTÉTICA DOIS;2026;1;2026m01;Capital;2;22;222;;2\n"
    "3300100;SINTÉTICA UM;2026;2;2026m02;Interior;1;11;1111;;2\n"
    "3304557;SINTÉTICA DOIS;2026;2;2026m02;Capital;2;22;2222;;2\n"
    "3304557;SINTÉTICA DOIS;2026;3;2026m03;Capital;2;22;222;;2\n"
).encode("iso-8859-1")


def released(
    folder: Path, months: Iterable[str] = MONTHS, rows: Iterable[bytes] = tuple(ROWS)
) -> None:
    told = list(rows)
    for month in months:
        dated = [raw.replace(b"2026-03", month.encode()) for raw in told]
        write(folder, month, exact(counts(dated, EVERY, month)), EVERY)


def published(folder: Path, name: str = "isp-rj", raw: bytes = ISP) -> None:
    (folder / "published").mkdir(exist_ok=True)
    (folder / "published" / f"{name}.csv").write_bytes(raw)


@dataclass(frozen=True, slots=True)
class Site:
    app: Flask
    client: FlaskClient
    accounts: Accounts
    clock: MovableClock
    folder: Path

    @classmethod
    def of(cls, home: Path, clock: MovableClock) -> Site:
        app = apps.analyst_app(Settings(home, "sqlite:///none.db"), clock=clock)
        folder = home / "releases"
        folder.mkdir(exist_ok=True)
        return cls(app, app.test_client(), Accounts(folder, clock), clock, folder)

    def enter(self, language: str = "en") -> None:
        """Signs rita in."""
        secret = pyotp.random_base32()
        self.accounts.enrol("rita", WORDS, language, secret)
        code = pyotp.TOTP(secret).at(int(self.clock.seconds()))
        form = {"name": "rita", "passphrase": WORDS, "code": code}
        assert self.client.post("/sign-in", data=form).status_code == 303

    def token(self) -> str:
        """A token for programs, of an account that needs no browser."""
        return self.accounts.new_token(
            self.accounts.enrol("prog", WORDS, "en", pyotp.random_base32())
        )


def rows(page: str) -> list[list[str]]:
    """The texts of the cells of a page's tables, row by row."""
    found = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one, re.S) for one in found]
    return [[re.sub(r"<[^>]+>", " ", cell).strip() for cell in one] for one in cells]
