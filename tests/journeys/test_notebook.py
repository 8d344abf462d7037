"""A notebook: the text of docs/analysts.md, run as it stands against the site on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from hotline.analysis.extract import NothingReleased, TooManyRows
from hotline.analysis.formats import BadFormat, NoMunicipality, SheetTooLarge
from hotline.analysis.question import BadQuestion
from hotline.analysts.door import TokenNeeded
from hotline.analysts.pages import NoFormat
from tests.conftest import MovableClock
from tests.trends import Site, released

DOC = Path("docs/analysts.md").read_text(encoding="utf-8")


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        return


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Served for real, its address and a token where the notebook looks for them."""
    made = Site.of(tmp_path, clock)
    released(made.folder)
    server = make_server("127.0.0.1", 0, made.app, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("TRENDS_SITE", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TRENDS_TOKEN", made.token())
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    made.accounts.store.close()


def notebook() -> str:
    (found,) = re.findall(r"<!-- notebook -->\n```python\n(.*?)```", DOC, re.S)
    return str(found)


def test_the_notebook_of_the_guide_runs(site: Site, tmp_path: Path) -> None:
    held: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(notebook(), "docs/analysts.md", "exec"), held)
    wide: pd.DataFrame = held["wide"]
    assert list(map(str, wide.index)) == ["2026-01", "2026-02", "2026-03"]
    assert wide["ORGCRIME"].tolist() == [510, 510, 510] and "ENV" not in wide.columns
    assert held["total"]["tip_count"].tolist() == [990, 990, 990]
    assert "no more than noise" in printed.getvalue()
    towns = held["extract"]("from=2026-01&to=2026-01&by=month,municipality,iccs_section")
    assert "3304557" in set(towns["municipality_code"]) and "06" in set(towns["iccs_section"])
    assert towns["tip_count"].isna().any(), "withheld is empty, not nought"
    saved = tmp_path / "trends.csv"
    query = "from=2026-01&to=2026-03&by=month&format=csv"
    bearer = {"Authorization": f"Bearer {held['TOKEN']}"}
    saved.write_bytes(site.client.get(f"/api/v1/extract?{query}", headers=bearer).data)
    pd.testing.assert_frame_equal(held["read"](saved), held["total"])


def test_what_the_guide_says_of_refusals_is_what_programs_hear(site: Site) -> None:
    held: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(notebook(), "docs/analysts.md", "exec"), held)
    with pytest.raises(urllib.error.HTTPError) as refused:
        held["extract"]("from=2026-01&to=2026-03&by=street")
    with refused.value as answer:
        said = json.load(answer)
    assert (refused.value.code, said["error"]) == (422, "bad_question")
    assert f'"error": "{said["error"]}"' in DOC and said["message"] and said["hint"]


def test_the_codes_of_the_guide_are_those_of_the_errors() -> None:
    """The table names each with its status."""
    kinds = [TokenNeeded, BadQuestion, TooManyRows, NothingReleased, NoFormat]
    for kind in (*kinds, BadFormat, NoMunicipality, SheetTooLarge):
        row = next(line for line in DOC.splitlines() if f"`{kind.code}`" in line and "|" in line)
        assert row.startswith(f"| {kind.status} |"), kind.code
