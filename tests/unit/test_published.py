"""Published figures beside the line's: read where they lie, refused in words, compared with care.

All figures of publishers here are made up, of towns that are called so (tests/trends.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.analysis.published import BadPublished, NoPublished, Published, names
from hotline.analysis.published import published as read
from hotline.tips import Language
from tests.conftest import MovableClock
from tests.trends import ISP, Site, published, released, rows

TIDY = (
    b"month,area,iccs,count\n"
    b"2026-01,BR-RJ,06,1111\n2026-02,BR-RJ,06,2222\n2026-03,BR-RJ,06,\n2026-01,BR,99,1\n"
)
TRADE = "/comparison?file=isp-rj&category=trafico_drogas"


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    made = Site.of(tmp_path, clock)
    yield made
    made.accounts.store.close()


def told(folder: Path, raw: bytes, name: str = "isp-rj") -> Published:
    published(folder, name, raw)
    return read(folder, name)


def test_the_base_of_isp_rj_as_it_is_published(tmp_path: Path) -> None:
    held = told(tmp_path, ISP)
    assert list(held.areas.values()) == ["BR-RJ", "SINTÉTICA DOIS", "SINTÉTICA UM"]
    assert held.months() == ("2026-01", "2026-02", "2026-03")
    trade = next(one for one in held.categories if one.id == "trafico_drogas")
    assert [code for code, _ in trade.types] == ["ORG-01", "ORG-02"]
    assert held.count("BR-RJ", trade, "2026-01") == 333
    assert held.count("3300100", trade, "2026-02") == 1111
    assert held.count("BR-RJ", trade, "2026-03") is None, "a month that lacks a town is no sum"
    assert held.count("3304557", trade, "2026-03") == 222
    known = {one.id for one in held.categories}
    assert known == {"trafico_drogas", "lesao_corp_dolosa", "hom_por_interv_policial"}
    assert "feminicidio" not in known, "a column without a figure is no title"


def test_bytes_of_any_hand(tmp_path: Path) -> None:
    """UTF-8 with its mark, commas, other line ends, a column more: the same figures."""
    other = ISP.decode("iso-8859-1").replace(";", ",").replace("\n", "\r\n")
    held = told(tmp_path, other.encode("utf-8-sig"))
    assert "SINTÉTICA UM" in held.areas.values()
    assert held.series == told(tmp_path, ISP).series


def test_a_title_of_several_columns_needs_all_of_them(tmp_path: Path) -> None:
    head = b"fmun_cod;fmun;ano;mes;roubo_veiculo;furto_veiculos\n"
    held = told(tmp_path, head + b"3304557;SINT;2026;1;1;22\n3304557;SINT;2026;2;1;\n")
    (cars,) = held.categories
    assert cars.id == "roubo_veiculo+furto_veiculos"
    assert held.count("BR-RJ", cars, "2026-01") == 23
    assert held.count("BR-RJ", cars, "2026-02") is None


def test_a_table_of_iccs_codes(tmp_path: Path) -> None:
    held = told(tmp_path, TIDY, "other-state")
    drugs, none = held.categories
    assert [code for code, _ in drugs.types] == ["ORG-01", "ORG-02"] and none.types == ()
    assert held.count("BR-RJ", drugs, "2026-02") == 2222
    assert held.count("BR-RJ", drugs, "2026-03") is None


@pytest.mark.parametrize(
    ("name", "raw", "line"),
    [
        ("isp-rj", b"", 0),
        ("isp-rj", b"\x00\xff\xfe\x00garbage", 0),
        ("isp-rj", b"fmun_cod;ano;mes\n3304557;2026;1\n", 1),
        ("isp-rj", ISP.replace(b"3304557", b"330455"), 3),
        ("isp-rj", ISP.replace(b";2026;2;", b";2026;13;", 1), 4),
        ("isp-rj", ISP.replace(b";111;", b";a lot;", 1), 2),
        ("isp-rj", ISP.replace(b";111;", b";-1;", 1), 2),
        ("isp-rj", ISP + ISP.splitlines(keepends=True)[1], 7),
        ("isp-rj", ISP.replace(b";111;;2", b";111", 1), 2),
        ("isp-rj", ISP.replace(b'SINT', b'"SINT', 1), 0),
        ("x", b"month;area\n2026-01;BR\n", 1),
        ("x", TIDY + b"2026-01,BR,99,1\n", 6),
        ("x", TIDY + b"2026-04,somewhere,99,1\n", 6),
        ("x", TIDY + b"2026-04,BR,99,1.5\n", 6),
        ("x", b"month,area,iccs,count\n", 0),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_the_page_works(
    site: Site, name: str, raw: bytes, line: int
) -> None:
    released(site.folder, ("2026-01",))
    published(site.folder, name, raw)
    with pytest.raises(BadPublished) as found:
        read(site.folder, name)
    assert found.value.line == line
    published(site.folder, "whole", TIDY)
    site.enter()
    page = site.client.get(f"/comparison?file={name}")
    assert page.status_code == 422
    assert str(found.value) in page.text and "Ask the line to put it back" in page.text
    assert (f"Line {line}." in page.text) == (line > 0)
    assert "a lot" not in page.text and "garbage" not in page.text
    assert "<option>whole</option>" in page.text, "another file can be chosen"
    assert site.client.get("/comparison?file=whole&area=BR-RJ").status_code == 200


def test_no_file_is_read_but_those_of_the_folder(site: Site) -> None:
    published(site.folder, "whole", TIDY)
    (site.folder / "published" / "Not Me.csv").write_bytes(TIDY)
    (site.folder / "beside.csv").write_bytes(TIDY)
    assert names(site.folder) == ("whole",)
    for name in ("../beside", "/etc/passwd", "Not Me", "none", ""):
        with pytest.raises(NoPublished):
            read(site.folder, name)
    with (site.folder / "published" / "huge.csv").open("wb") as file:
        os.truncate(file.fileno(), 33 * 1024 * 1024)
    with pytest.raises(BadPublished, match="32 MB"):
        read(site.folder, "huge")


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    assert told(tmp_path, TIDY, "x").months() == ("2026-01", "2026-02")
    assert told(tmp_path, TIDY + b"2026-04,BR,99,22\n", "x").months()[-1] == "2026-04"


def test_both_series_stand_side_by_side(site: Site) -> None:
    """Of Rio de Janeiro: 200 and 120 reports a month of dealing; 333 and 3333 published."""
    released(site.folder)
    published(site.folder)
    site.enter()
    page = site.client.get(TRADE)
    assert page.status_code == 200
    table = {one[0]: one[1:] for one in rows(page.text)}
    reports, between, counted, per, pers = table["2026-01"]
    assert (reports, counted, per) == ("320", "333", "96.1")
    low, high = (float(end) for end in between.split("–"))
    assert low < 320 < high
    assert pers == f"{100 * low / 333:.1f}–{100 * high / 333:.1f}"
    assert table["2026-02"][2:4] == ["3\u202f333", "9.6"]
    assert table["2026-03"][0] == "320" and table["2026-03"][2:] == ["–", "–", "–"]
    assert "All months" not in table, "a month without a published figure makes no sum"
    assert page.text.count("<svg") == 2
    for said in ("A report is not a crime.", "Tráfico de drogas", "Cases", "part of the title"):
        assert said in page.text
    whole = site.client.get(TRADE + "&from=2026-01&to=2026-02").text
    total = {one[0]: one[1:] for one in rows(whole)}["All months"]
    assert (total[0], total[2], total[3]) == ("640", "3\u202f666", "17.5")
    town = site.client.get(TRADE + "&area=3300100").text
    assert {one[0]: one[1:] for one in rows(town)}["2026-02"][:3:2] == ["120", "1\u202f111"]


def test_what_is_not_told_at_this_level_is_said(site: Site) -> None:
    """Officials are told for the whole line alone; violence against women of no municipality."""
    released(site.folder)
    published(site.folder)
    site.enter()
    police = site.client.get(TRADE.replace("trafico_drogas", "hom_por_interv_policial")).text
    assert "Not published at this level, so not in these figures." in police
    assert {one[0]: one[1:] for one in rows(police)}["2026-01"] == ["–", "–", "3", "–", "–"]
    hurt = TRADE.replace("trafico_drogas", "lesao_corp_dolosa")
    assert "GBV-01" in site.client.get(hurt).text
    town = site.client.get(hurt + "&area=3304557").text
    assert town.count("so not in these figures") == 2, "GBV-01 and CHD-04"


def test_sections_of_the_classification(site: Site) -> None:
    released(site.folder)
    published(site.folder, "state", TIDY)
    site.enter()
    page = site.client.get("/comparison").text
    assert "Acts involving controlled drugs" in page
    table = {one[0]: one[1:] for one in rows(page)}
    assert table["2026-01"][0] == "320" and table["2026-01"][2:4] == ["1\u202f111", "28.8"]
    assert "no type of the line is like: 99" in page


def test_what_is_asked_of_a_file_that_lacks_it_is_a_sentence(site: Site) -> None:
    released(site.folder)
    published(site.folder)
    site.enter()
    for wrong in (
        "&category=weather",
        "&area=BR-SP",
        "&area=<b>",
        "&from=soon",
        "&from=2020-01&to=2020-02",
    ):
        page = site.client.get("/comparison?file=isp-rj" + wrong)
        assert page.status_code == 422 and 'role="alert"' in page.text, wrong
        assert "<b>" not in page.text and "Published title" in page.text
    assert site.client.get("/comparison?file=none").status_code == 422


def test_without_files_or_months_the_page_says_what_is_missing(site: Site) -> None:
    site.enter()
    page = site.client.get("/comparison")
    assert page.status_code == 200 and "No published figures are here." in page.text
    assert "No month has been released yet." in page.text
    published(site.folder)
    page = site.client.get("/comparison")
    assert page.status_code == 200 and "No month has been released yet." in page.text


def test_it_needs_an_account(site: Site) -> None:
    published(site.folder)
    answer = site.client.get(TRADE)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    bearer = {"Authorization": f"Bearer {site.token()}"}
    assert site.client.get(TRADE, headers=bearer).status_code == 303, "a token opens no page"


def test_no_publishers_figures_are_shipped() -> None:
    shipped = [path for path in Path("hotline").rglob("*.csv") if "published" in path.parts]
    assert shipped == []


@pytest.mark.parametrize("language", list(Language))
def test_it_speaks_every_language(site: Site, language: Language) -> None:
    released(site.folder)
    published(site.folder)
    site.enter(language.value)
    page = site.client.get(TRADE).text
    assert f'<html lang="{language.tag}">' in page and "Tráfico de drogas" in page
    if language != Language.EN:
        assert "Reports for each 100" not in page and "The police count" not in page
