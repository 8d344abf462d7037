"""Classification keeps its promises: every type is named and reachable, reasons quote only our
tables, denials deny, special queues are found beside drugs, and no text is slow."""

from __future__ import annotations

import csv
import math
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hotline.routing
from hotline.routing.classify import CHOSEN, NOTHING, ONLY_A_PERSON, Types, UnknownType
from hotline.routing.evidence import EvidenceProblem
from hotline.routing.terms import fold
from hotline.routing.wordlists import TAGS, TermProblem
from hotline.tips import Act, Language, QueueKind
from tests.routing import labelled

DATA = Path(hotline.routing.__file__).parent / "data"
TIPS = Path(__file__).parent / "data" / "classify.csv"
QUOTED = re.compile(r"^(?:because|threat): '(.*)'$")


@pytest.fixture(scope="module")
def types() -> Types:
    return Types.load()


def tips(half: str | None = None) -> Iterator[dict[str, str]]:
    with TIPS.open(encoding="utf-8") as lines:
        yield from (row for row in csv.DictReader(lines) if half in (None, row["half"]))


def codes(types: Types, text: str, language: str = "pt", **more: object) -> list[str]:
    return [act.code for act in types.classify(text, Language(language), **more).acts]  # type: ignore[arg-type]


def macro(types: Types, half: str) -> tuple[float, float]:
    """Recall of the primary type and of its queue, each the mean over types or queues."""
    by_type, by_queue = defaultdict(list), defaultdict(list)
    for row in tips(half):
        wanted, got = row["code"], codes(types, row["text"], row["language"])[0]
        by_type[wanted].append(wanted == got)
        by_queue[types.get(wanted).queue].append(types.get(wanted).queue == types.get(got).queue)
    means = [
        sum(sum(v) / len(v) for v in table.values()) / len(table) for table in (by_type, by_queue)
    ]
    return means[0], means[1]


def test_all_71_types_have_five_names_a_queue_and_a_priority(types: Types) -> None:
    assert len(types) == 71
    for kind in types:
        assert set(kind.names) == set(Language)
        assert all(3 <= len(name) <= 70 for name in kind.names.values()), kind.code
        assert kind.iccs or kind.group == "PERSONS"
    for language in Language:
        assert len({kind.names[language] for kind in types}) == 71
    assert types.get("PUB-99").queue is QueueKind.UNRESOLVED
    assert types.get("INT-03").queue is QueueKind.INTEGRITY
    assert "ORG-01" in types and "ORG-99" not in types
    assert types.version == "2026.1"


@pytest.mark.parametrize(
    ("part", "floor", "least"),
    [("development", 0.88, 500), ("test", 0.69, 500), ("plain", 0.94, 940), ("fresh", 0.82, 390)],
)
def test_tips_by_other_hands_find_their_group(
    types: Types, part: str, floor: float, least: int
) -> None:
    told = [tip for tip in labelled.tips(part) if tip.types]
    assert {tip.language for tip in told} == {str(language.value) for language in Language}
    assert all(code in types for tip in told for code in tip.types)
    right = [types.get(codes(types, t.text, t.language)[0]).group == t.group for t in told]
    assert len(right) >= least and sum(right) / len(right) >= floor


def test_nothing_is_taken_for_terrorism_by_its_words(types: Types) -> None:
    for tip in (tip for part in labelled.PARTS for tip in labelled.tips(part)):
        assert "ORG-11" not in codes(types, tip.text, tip.language)


def test_an_unknown_type_says_so_without_repeating_it(types: Types) -> None:
    with pytest.raises(UnknownType) as caught:
        types.get("nonsense-42")
    assert "nonsense" not in str(caught.value) and caught.value.hint
    with pytest.raises(UnknownType):
        types.classify("x", Language.EN, chosen=["nonsense-42"])


def test_every_type_that_may_be_suggested_is_reached_by_some_tip(types: Types) -> None:
    reached = {codes(types, row["text"], row["language"])[0] for row in tips()}
    assert {kind.code for kind in types} - reached == {"ORG-11"}


def test_every_type_is_reached_in_each_language_by_its_own_terms(types: Types) -> None:
    own: dict[tuple[str, Language], list[str]] = defaultdict(list)
    for entry in types._terms.entries:
        if entry.kind == "type":
            for language in entry.languages:
                own[entry.subject, language].append(entry.term.replace("*", ""))
    for kind in types:
        if kind.code in ("ORG-11", "PUB-99"):
            continue
        for language in Language:
            assert any(
                kind.code in codes(types, term, language) for term in own[kind.code, language]
            ), (kind.code, language)


def test_the_labelled_set_is_skewed_as_real_lines_are() -> None:
    rows = list(tips())
    assert len(rows) >= 150
    assert 0.28 <= sum(row["code"] in ("ORG-01", "ORG-02") for row in rows) / len(rows) <= 0.6
    assert {row["language"] for row in rows} == {language.value for language in Language}


@pytest.mark.parametrize(
    ("half", "by_type", "by_queue"),
    [("dev", 0.96, 0.96), ("dev2", 0.93, 0.93), ("test2", 0.88, 0.88), ("test", 0.61, 0.71)],
)
def test_labelled_tips_reach_their_type_and_their_queue(
    types: Types, half: str, by_type: float, by_queue: float
) -> None:
    """The terms were grown on the dev halves, so their figures flatter. The test2 tips were never
    looked at while growing, but one hand wrote them and the terms, so theirs flatters too. The
    test tips are another hand's and nobody grew a term for them: theirs is the honest figure."""
    measured = macro(types, half)
    assert measured[0] >= by_type and measured[1] >= by_queue, measured


def test_reasons_and_threats_quote_our_terms_and_never_the_tip(types: Types) -> None:
    terms = types.terms
    for row in tips():
        found = types.classify(row["text"], Language(row["language"]))
        for reason in (*(r for act in found.acts for r in act.reasons), *found.threats):
            quoted = QUOTED.match(reason)
            assert reason == NOTHING or (
                quoted is not None and set(quoted[1].split("' + '")) <= terms
            )
    found = types.classify("Zacarias Quirino trafica na biqueira", Language.PT)
    assert "zacarias" not in fold(repr(found)) and "quirino" not in fold(repr(found))


@pytest.mark.parametrize(
    ("text", "language", "absent"),
    [
        ("não é tráfico, é só festa de criança", "pt", "ORG-01"),
        ("aqui nao vende droga", "pt", "ORG-01"),
        ("en esa casa no hay drogas", "es", "ORG-01"),
        ("they are not selling drugs there", "en", "ORG-01"),
        ("il ne vend pas de drogue", "fr", "ORG-01"),
        ("yo pa vann dwòg la", "ht", "ORG-01"),
        ("he doesn't beat his wife", "en", "GBV-01"),
    ],
)
def test_what_is_denied_is_not_suggested(
    types: Types, text: str, language: str, absent: str
) -> None:
    assert absent not in codes(types, text, language)


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("não para de vender droga na esquina", "pt", "ORG-01"),
        ("não sei quem vende droga mas é na praça", "pt", "ORG-01"),
        ("não é roubo mas é tráfico de drogas", "pt", "ORG-01"),
        ("not only selling drugs, guns too", "en", "ORG-01"),
        ("no tráfico tem criança, vende droga no beco", "pt", "ORG-01"),
    ],
)
def test_a_denial_ends_where_people_end_it(
    types: Types, text: str, language: str, code: str
) -> None:
    assert code in codes(types, text, language)


def test_what_others_say_weighs_less(types: Types) -> None:
    def score(text: str) -> float:
        acts: tuple[Act, ...] = types.classify(text, Language.PT).acts
        return next(act.score for act in acts if act.code == "ORG-01")

    plain = score("tem boca de fumo na rua")
    assert score("dizem que tem boca de fumo na rua") < plain
    assert score("o aluno escreveu “tem boca de fumo na rua”") < plain
    assert score('polegada 5" tem boca de fumo na rua') == plain


@pytest.mark.parametrize(
    "text",
    [
        "TRÁFICO DE DROGAS",
        "trafico  de\ndrogas",
        "tr4fico d dr0gas",
        "t\u0301ra\u0301fico de dro\u200bgas",
        "traficooo de drogassss",
        "tr@fico de drogas",
        "ＴＲＡＦＩＣＯ ＤＥ ＤＲＯＧＡＳ",
    ],
)
def test_spelling_and_disguise_do_not_hide_a_term(types: Types, text: str) -> None:
    assert codes(types, text)[0] == "ORG-01"


@pytest.mark.parametrize(
    ("text", "language", "group"),
    [
        ("vende droga na boca de fumo e bate na mulher dele todo dia", "pt", "GBV"),
        ("vende droga, crack e maconha e abusa da enteada", "pt", "CHILD"),
        ("venden drogas y la policía cobra soborno", "es", "INTEGRITY"),
        ("um policial civil vende drogas", "pt", "INTEGRITY"),
        ("drug house, crack and heroin, girls forced into prostitution", "en", "TIP"),
        ("trafic de drogue, et il frappe sa femme", "fr", "GBV"),
        ("yo vann dwòg epi yo vyole timoun", "ht", "CHILD"),
    ],
)
def test_a_special_type_goes_before_drugs(
    types: Types, text: str, language: str, group: str
) -> None:
    found = codes(types, text, language)
    assert types.get(found[0]).group == group
    assert "ORG-01" in found


def test_a_longer_term_silences_the_one_within_it(types: Types) -> None:
    assert "ORG-01" not in codes(types, "tráfico de armas")
    assert "FIN-04" not in codes(types, "tráfico de órgãos")


def test_a_loud_general_type_never_drowns_a_special_one(types: Types) -> None:
    drugs = " ".join(row["text"] for row in tips() if row["code"] == "ORG-01")
    assert codes(types, drugs + ". Ele bate na mulher dele.")[0] == "GBV-01"


def test_languages_mix_within_one_text(types: Types) -> None:
    assert codes(types, "hay una boca de fumo en la esquina", "es")[0] == "ORG-01"
    assert codes(types, "my vecino golpea a su esposa", "en")[0] == "GBV-01"


def test_what_the_reporter_chose_comes_first_and_stays(types: Types) -> None:
    found = types.classify("vende droga na rua", Language.PT, chosen=["PUB-01", "ENV-01"])
    assert [act.code for act in found.acts] == ["PUB-01", "ENV-01", "ORG-01"]
    assert all(act.reasons[0] == CHOSEN and act.score == 1.0 for act in found.acts[:2])


def test_acts_are_never_empty_and_at_most_five(types: Types) -> None:
    for text in ("", " ", "\x00\x07", "zzz qqq", "🙂", "oi"):
        assert codes(types, text) == ["PUB-99"]
    everything = " ".join(row["text"] for row in tips())
    acts = types.classify(everything, Language.PT, chosen=["ENV-01"]).acts
    assert len(acts) == 5 and acts[0].code == "ENV-01"
    assert all(0.0 <= act.score <= 1.0 for act in acts)


def test_terrorism_is_never_assigned_by_the_machine(types: Types) -> None:
    everything = " ".join((*(entry.term for entry in types._terms.entries), "terrorismo"))
    assert all(entry.subject != "ORG-11" for entry in types._terms.entries)
    for text in ("ataque terrorista, terrorismo, terrorist attack", everything):
        found = types.classify(text, Language.EN, chosen=["ORG-11"])
        assert "ORG-11" not in {act.code for act in found.acts}
        assert ONLY_A_PERSON in found.threats


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("vou matar todo mundo", "pt"),
        ("ela vai morrer hoje", "pt"),
        ("amanhã na escola vai ter", "pt"),
        ("vão envenenar a comida", "pt"),
        ("pusieron una bomba", "es"),
        ("la va a matar", "es"),
        ("he will kill her", "en"),
        ("gonna shoot up the school", "en"),
        ("il va la tuer", "fr"),
        ("l ap touye l, li di demen nan lekòl", "ht"),
        ("I am NOT joking, not a bomb", "en"),
    ],
)
def test_a_threat_word_is_named_whatever_the_type(types: Types, text: str, language: str) -> None:
    assert types.classify(text, Language(language)).threats


def test_plain_tips_raise_no_threat(types: Types) -> None:
    drugs = [row for row in tips() if row["code"] in ("ORG-01", "ENV-07", "PUB-01", "PER-02")]
    raised = [
        row for row in drugs if types.classify(row["text"], Language(row["language"])).threats
    ]
    assert len(raised) <= len(drugs) // 50, raised


@pytest.mark.parametrize(
    ("text", "language", "tag"),
    [
        ("ele vai matar a esposa", "pt", "femicide"),
        ("o comando vermelho cobra taxa", "pt", "gang"),
        ("pm recebe propina", "pt", "police_author"),
        ("crime de ódio, homofobia", "pt", "hate"),
        ("golpe do pix pelo whatsapp", "pt", "cyber"),
        ("he beats his kids", "en", "minor_victim"),
        ("golpea a su abuela", "es", "elderly_victim"),
        ("nèg ak zam", "ht", "weapon"),
    ],
)
def test_tags_come_from_the_words(types: Types, text: str, language: str, tag: str) -> None:
    assert tag in types.classify(text, Language(language)).tags


def test_every_tag_the_table_gives_is_a_known_one(types: Types) -> None:
    given = {
        t for row in tips() for t in types.classify(row["text"], Language(row["language"])).tags
    }
    assert given <= TAGS and len(given) >= 7


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("terms/drugs.toml", '"biqueira*"', '"b*queira"', '"b*queira"'),
        ("terms/drugs.toml", '"biqueira*"', '"bi*"', "three letters"),
        ("terms/drugs.toml", "[ORG-02.pt]", "[ORG-11.pt]", "only a person may assign"),
        ("terms/drugs.toml", "[ORG-02.pt]", "[ORG-02.xx]", "neither a language"),
        ("terms/drugs.toml", '"biqueira*"', "7", "list of words"),
        ("terms/drugs.toml", '["seller", "drug"]', '["seller", "dragons"]', "'dragons'"),
        ("terms/tags.toml", "[hate]", "[sunshine]", "no such tag"),
        ("terms/language.toml", "[fillers]", "[fillers", "not TOML"),
        ("threats.toml", '"bomba*"', '"..."', '"..."'),
    ],
)
def test_a_wrong_entry_is_named_with_file_and_line(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    shutil.copytree(DATA / "terms", tmp_path / "terms")
    for name in ("threats.toml", "crime_types.csv", "evidence.csv"):
        shutil.copy(DATA / name, tmp_path / name)
    path = tmp_path / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TermProblem) as caught:
        Types.load(tmp_path)
    assert says in str(caught.value)
    assert re.match(rf"^{path.name}:( |\d+: )", str(caught.value))


def test_a_term_is_added_without_code(tmp_path: Path) -> None:
    shutil.copytree(DATA / "terms", tmp_path / "terms")
    for name in ("threats.toml", "crime_types.csv", "evidence.csv"):
        shutil.copy(DATA / name, tmp_path / name)
    assert codes(Types.load(tmp_path), "uma xispadona na rua") == ["PUB-99"]
    (tmp_path / "terms" / "local.toml").write_text('[PUB-02.pt]\nstrong = ["xispad*"]\n')
    assert codes(Types.load(tmp_path), "uma xispadona na rua") == ["PUB-02"]


def test_hostile_texts_cost_no_more_than_long_ones(types: Types) -> None:
    hostile = ["marido bate " * 2000, "a\u0301\u0327" * 500_000, '"' * 50_000, "x" * 1_000_000]
    hostile += ["não " * 9000, "ooooo" * 9000, "vend* drog* " * 3000]
    began = time.process_time()
    for text in hostile:
        assert types.classify(text, Language.PT).acts
    assert time.process_time() - began < 3.0


def test_a_text_of_300_characters_costs_a_small_multiple_of_reading_it(types: Types) -> None:
    """The floor is folding and splitting the same text, just before the classifier's own; of each
    text the least disturbed of up to a hundred rounds counts: a busy machine slows neither."""
    texts = [((row["text"] + ". ") * 10)[:300] for row in tips()]
    least = {"floor": [math.inf] * len(texts), "classify": [math.inf] * len(texts)}

    def timed(name: str, at: int, work: Callable[[str], object]) -> None:
        began = time.process_time_ns()
        work(texts[at])
        least[name][at] = min(least[name][at], time.process_time_ns() - began)

    for _ in range(100):
        for name, work in (
            ("floor", lambda text: re.findall(r"[a-z0-9]+", fold(text))),
            ("classify", lambda text: types.classify(text, Language.PT)),
        ):
            for at in range(len(texts)):
                timed(name, at, work)
        if (ratio := sum(least["classify"]) / sum(least["floor"])) <= 10:
            break
    print(ratio)
    assert ratio <= 10


def test_evidence_speaks_of_what_the_tables_hold_and_a_wrong_line_is_named(
    types: Types, tmp_path: Path
) -> None:
    marks = {entry.mark for entry in types._terms.entries}
    assert {line.removeprefix("not ") for line in types._evidence.lines} <= marks
    assert all(word.isalpha() and word == fold(word) for word in types._evidence.words)
    shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("profiles", "countries"))
    path = tmp_path / "data" / "evidence.csv"
    path.write_text(path.read_text("utf-8").replace("ORGCRIME:", "ORGCRYME:", 1), "utf-8")
    with pytest.raises(EvidenceProblem, match=r"^evidence\.csv:\d+: "):
        Types.load(tmp_path / "data")
