"""Rules, recusal, route and profiles: what a clerk may rely on when editing them."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hotline.clock import Clock
from hotline.errors import BadInput
from hotline.routing import compare, recusal
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile, built_ins, find
from hotline.routing.route import Router, needs_second_reader
from hotline.routing.tables import RuleFileProblem
from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Doubt,
    Language,
    Place,
    Tip,
    Urgency,
)

RIO = Place("BR:IBGE:3304557", "Rio de Janeiro", "BR-RJ", "BR", Certainty.CERTAIN)
Edit = Callable[[str, str, str], Path]


@pytest.fixture(scope="module")
def types() -> Types:
    return Types.load()


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


@pytest.fixture(scope="module")
def router(types: Types, places: Places) -> Router:
    return Router.load(Profile.load("br-rj"), types, places)


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """A copy of br-rj in which one text of one file is replaced by another."""

    def change(file: str, old: str, new: str) -> Path:
        folder = tmp_path / "profile"
        if not folder.exists():
            shutil.copytree(find("br-rj"), folder)
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return change


def tip(
    *codes: str,
    place: Place = RIO,
    urgency: Urgency = Urgency.UNKNOWN,
    text: str = "",
    threats: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    implicates: tuple[str, ...] = (),
) -> ClassifiedTip:
    one = Tip(
        channel=Channel.SMS, language=Language.PT, text=text, urgency=urgency, implicates=implicates
    )
    acts = tuple(Act(code, 0.9) for code in codes)
    return ClassifiedTip(one, Classification(acts, tags, threats), place)


def line_of(folder: Path, file: str, words: str) -> int:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def refused(folder: Path, types: Types, places: Places) -> str:
    with pytest.raises(RuleFileProblem) as caught:
        Router.load(Profile.load(folder), types, places)
    return caught.value.message


# ---- a rule file with a mistake is refused, by file and line ---------------------------


def test_an_unknown_agency_is_named_with_file_and_line(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit("rules.toml", 'lead = ["mp-eleitoral"]', 'lead = ["pcerjj"]')
    line = line_of(folder, "rules.toml", "pcerjj")
    assert f"rules.toml:{line}: no agency is called pcerjj" in refused(folder, types, places)


def test_every_problem_is_reported_at_once(edit: Edit, types: Types, places: Places) -> None:
    edit("rules.toml", 'crime_type = ["FIN-05"]', 'crime_type = ["FIN-99"]')
    edit("rules.toml", 'urgency = ["now"]', 'urgency = ["nowish"]')
    edit("rules.toml", 'queue = "gbv"', 'queue = "gvb"')
    folder = edit("rules.toml", "at_most = ", "at_moost = ")
    message = refused(folder, types, places)
    for wrong in ("FIN-99", "nowish", "gvb", "at_moost"):
        assert wrong in message


def test_a_row_that_nothing_can_reach_is_refused(edit: Edit, types: Types, places: Places) -> None:
    folder = edit(
        "rules.toml",
        '[[destination.row]]\nid = "shooting"',
        '[[destination.row]]\nid = "dead"\nwhen = { crime_type = ["ORG-08"], urgency = ["now"] }\n'
        'then = { lead = ["pf"] }\n\n[[destination.row]]\nid = "shooting"',
    )
    line = line_of(folder, "rules.toml", 'id = "dead"') - 1
    message = refused(folder, types, places)
    assert f"rules.toml:{line}: destination row dead: no tip can reach it" in message


def test_a_row_shadowed_by_two_rows_together_is_refused(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit(
        "rules.toml",
        '[[automatic.row]]\nid = "nuisances"',
        '[[automatic.row]]\nid = "free"\nwhen = { held = [false] }\n'
        "then = { automatic = false }\n\n"
        '[[automatic.row]]\nid = "nuisances"',
    )
    message = refused(folder, types, places)
    assert "automatic row nuisances: no tip can reach it" in message
    assert "automatic row a-person-first: no tip can reach it" in message


def test_a_table_without_a_last_row_for_all_the_rest_is_refused(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit(
        "rules.toml",
        '[[review.row]]\nid = "one-reader"\nthen = { second_reader = false }\n',
        "",
    )
    assert "review has no last row" in refused(folder, types, places)


def test_a_lead_nobody_holds_at_some_place_is_refused(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit(
        "rules.toml", 'when = { place = ["elsewhere", "abroad"] }', 'when = { place = ["abroad"] }'
    )
    assert "@drugs reaches nobody" in refused(folder, types, places)


def test_a_desk_nobody_staffs_is_refused(edit: Edit, types: Types, places: Places) -> None:
    folder = edit(
        "queues.toml",
        'certificate = "environment"\nstaffed = true',
        'certificate = "environment"\nstaffed = false',
    )
    assert "nobody staffs the queue environment:BR-RJ" in refused(folder, types, places)


def test_a_special_desk_without_a_certificate_is_refused(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit("queues.toml", 'certificate = "gbv"\n', "")
    assert "gbv:BR-RJ is special and must name its certificate" in refused(folder, types, places)


def test_a_profile_in_which_a_recused_body_keeps_every_desk_is_refused(
    edit: Edit, types: Types, places: Places
) -> None:
    folder = edit(
        "profile.toml",
        'desks = ["integrity:BR-RJ", "integrity:BR", "integrity"]',
        'desks = ["integrity:BR-RJ"]',
    )
    message = refused(folder, types, places)
    assert "when central-rj is recused, no desk takes its tips" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('parent = "sesp-rj"', 'parent = "sesp"', "names sesp, but no agency is called so"),
        ('parent = "estado-rj"', 'parent = "pcerj"', "stands under itself"),
        ('functions = ["drugs"]', 'functions = ["women"]', "both hold women in one place"),
        ('via = "mprj-infancia"', 'via = "uniao"', "received by a body without an inbox"),
        ('kind = "prison"', 'kindd = "prison"', "nothing here is called kindd"),
        ("independent = true", 'independent = "yes"', "independent must be true or false"),
    ],
)
def test_a_broken_tree_is_refused(edit: Edit, old: str, new: str, said: str) -> None:
    with pytest.raises(RuleFileProblem, match=said):
        Profile.load(edit("agencies.toml", old, new))


def test_what_is_no_toml_or_no_profile_is_refused_with_its_file(edit: Edit, tmp_path: Path) -> None:
    with pytest.raises(RuleFileProblem, match=r"profile.toml:1: this file is missing"):
        Profile.load(tmp_path / "nowhere")
    folder = edit("queues.toml", "staffed = true", "staffed = = true")
    line = line_of(folder, "queues.toml", "= =")
    with pytest.raises(RuleFileProblem, match=rf"queues.toml:{line}: this is not TOML"):
        Profile.load(folder)


def test_a_number_nobody_has_verified_may_not_be_shown(edit: Edit) -> None:
    folder = edit("profile.toml", "verified_on = 2026-11-22\n", "")
    with pytest.raises(RuleFileProblem, match="without verified_on"):
        Profile.load(folder)


# ---- profiles --------------------------------------------------------------------------


def test_every_built_in_profile_is_sound(types: Types) -> None:
    assert {"br", "br-rj", "co"} <= set(built_ins())
    for name in built_ins():
        profile = Profile.load(name)
        assert profile.id == name
        assert Router.load(profile, types, Places.load(profile.country)).check() == []
        numbers = {number.purpose: number.number for number in profile.emergency}
        police, ambulance, fire = {"BR": ("190", "192", "193"), "CO": ("123",) * 3}[profile.country]
        assert numbers["police"] == police
        assert (numbers["ambulance"], numbers["fire"]) == (ambulance, fire)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("digits = 7\n", "", "digits must say how many"),
        ("digits = 7", "digits = 0", "digits must say how many"),
        ('leave = "https:', 'leave = "http:', "leave must be an address"),
        ("digits = 7", 'digits = 7\ndata_licence = "a\\nb"', "data_licence must be one line"),
        (
            "digits = 7",
            f'digits = 7\ndata_licence = "{"x" * 201}"',
            "data_licence must be one line",
        ),
        ("digits = 7", 'digits = 7\ndata_contact = "a\\nb"', "data_contact must be one line"),
    ],
)
def test_what_a_country_writes_differently_must_be_said(
    edit: Edit, old: str, new: str, said: str
) -> None:
    with pytest.raises(RuleFileProblem, match=rf"profile.toml:\d+: {said}"):
        Profile.load(edit("profile.toml", old, new))


def test_a_line_may_name_the_licence_of_its_data(edit: Edit) -> None:
    assert {Profile.load(name).data_licence for name in built_ins()} == {""}
    named = edit("profile.toml", "digits = 7", 'digits = 7\ndata_licence = "CC-BY-4.0"')
    assert Profile.load(named).data_licence == "CC-BY-4.0"


def test_states_may_have_prefixes_of_any_length() -> None:
    profile = replace(Profile.load("br-rj"), states={"3304": "BR-RJ", "3": "BR-XX"})
    assert profile.state_of("BR:IBGE:3304557") == "BR-RJ"
    assert profile.state_of("BR:IBGE:3303302") == "BR-XX"
    assert profile.state_of("BR:IBGE:330455") is None
    assert profile.state_of("CO:DANE:3304557") is None


def test_the_version_follows_every_byte_of_the_files(edit: Edit) -> None:
    before = Profile.load("br-rj").version
    same = Profile.load(edit("rules.toml", "# The rules", "# The rules")).version
    changed = Profile.load(edit("rules.toml", "# The rules", "# The  rules")).version
    assert before == same != changed
    assert len(before) == 12


def test_all_ninety_two_secretariats_match_the_gazetteer(places: Places) -> None:
    profile = Profile.load("br-rj")
    known = places.in_state("BR-RJ")
    assert len(known) == 92
    for key, name in known:
        body = profile.agency(f"semsp-{key[-7:]}")
        assert body is not None and body.jurisdiction == key
        assert body.parent == f"prefeitura-{key[-7:]}"
        # What a body calls itself is its own affair; whose it is must be right.
        assert re.search(rf" d[eo] {re.escape(name)}( \(\w+\))?$", body.name), body.name


def test_every_municipality_of_brazil_has_bodies_that_some_inbox_receives_for(
    places: Places,
) -> None:
    profile = Profile.load("br")
    inboxes = {id.partition(":")[2] for id in profile.recipients() if id.startswith("agency:")}
    count = 0
    for state in sorted(profile.state_keys):
        for key, _ in places.in_state(state):
            count += 1
            assert profile.state_of(key) == state
            assert profile.inbox(f"security@{key}") in inboxes
    assert count == 5571


def test_an_id_that_only_looks_like_a_body_is_nobody() -> None:
    profile = Profile.load("br")
    for id in (
        "security@BR:IBGE:330455",
        "security@BR:IBGE:9904557",
        "security@x",
        "",
        "x" * 10_000,
    ):
        assert profile.agency(id) is None


def test_a_body_serves_only_while_it_is_valid(edit: Edit, types: Types, places: Places) -> None:
    edit(
        "agencies.toml",
        'jurisdiction = "BR-RJ"\nfunctions = ["drugs"]',
        'jurisdiction = "BR-RJ"\nfunctions = ["drugs"]\nvalid_to = 2026-12-31',
    )
    folder = edit(
        "agencies.toml",
        '[[agency]]\nid = "desarme-rj"',
        '[[agency]]\nid = "drugs-new"\nname = "New"\nkind = "police"\nparent = "pcerj"\n'
        'jurisdiction = "BR-RJ"\nfunctions = ["drugs"]\nvalid_from = 2027-01-01\n\n'
        '[[agency]]\nid = "desarme-rj"',
    )
    profile = Profile.load(folder)
    now = [datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()]
    router = Router.load(profile, types, places, Clock(profile.zone, lambda: now[0]))
    assert router.decide(tip("ORG-02")).leads == ("dcod-rj",)
    # Midnight in Rio is three in the morning UTC.
    now[0] = datetime(2027, 1, 1, 2, 59, tzinfo=UTC).timestamp()
    assert router.decide(tip("ORG-02")).leads == ("dcod-rj",)
    now[0] = datetime(2027, 1, 1, 3, 0, tzinfo=UTC).timestamp()
    assert router.decide(tip("ORG-02")).leads == ("drugs-new",)
    assert router.day == date(2027, 1, 1)


# ---- decisions -------------------------------------------------------------------------


def test_urgency_and_threats_raise_and_never_lower(router: Router) -> None:
    assert router.decide(tip("ORG-01")).priority == "P3"
    assert router.decide(tip("ORG-01", urgency=Urgency.NOW)).priority == "P0"
    assert router.decide(tip("ORG-01", urgency=Urgency.SOON)).priority == "P1"
    assert router.decide(tip("GBV-06", urgency=Urgency.SOON)).priority == "P0"
    threatened = router.decide(tip("PUB-01", threats=("threat: 'bomba'",)))
    assert threatened.priority == "P1"
    assert needs_second_reader(threatened, router.rules)
    assert not needs_second_reader(router.decide(tip("PUB-01")), router.rules)
    assert needs_second_reader(router.decide(tip("CHD-01")), router.rules)


def test_what_is_over_is_not_relayed_but_what_may_come_again_is(router: Router) -> None:
    assert router.decide(tip("ORG-09")).priority == "P0"
    assert router.decide(tip("ORG-09", urgency=Urgency.PAST)).priority == "P1"
    assert router.decide(tip("ORG-09", "GBV-06", urgency=Urgency.PAST)).priority == "P0"
    assert router.decide(tip("ORG-09", urgency=Urgency.PAST, threats=("x",))).priority == "P0"


def test_the_special_act_chooses_the_desk_even_when_it_is_not_the_first(router: Router) -> None:
    decision = router.decide(tip("ORG-01", "GBV-01"))
    assert decision.queue == "gbv:BR-RJ"
    assert decision.leads == ("deam-rj",)
    hint = ClassifiedTip(
        tip("ORG-01").tip, Classification((Act("ORG-01", 0.9), Act("GBV-01", 0.3))), RIO
    )
    assert router.decide(hint).queue == "general:BR-RJ"


def test_nothing_leaves_alone_that_a_person_should_see(router: Router) -> None:
    free = tip("PUB-01")
    assert router.decide(free).automatic
    doubt = Doubt("[?]", "phone", "nobody's", "x")
    for tied in (
        replace(free, tip=replace(free.tip, held=True)),
        replace(free, tip=replace(free.tip, doubts=(doubt,))),
        replace(free, place=replace(RIO, certainty=Certainty.PROBABLE)),
        replace(free, classification=replace(free.classification, threats=("threat: 'bomba'",))),
        tip("PUB-01", "ENV-07"),
        tip("PUB-01", implicates=("pmerj",)),
        tip("ORG-01"),
        tip("PUB-01", place=Place()),
    ):
        assert not router.decide(tied).automatic


def test_what_is_remembered_between_tips_holds_no_words(router: Router) -> None:
    secret = "a policia recebe arrego na rua Ibitinga"
    router.decide(tip("ORG-01", text=secret, implicates=("Ibitinga",), tags=("Ibitinga",)))
    remembered = repr(
        (router._decisions, router._plans, router._spots, router._reach, router._recused)
    )
    assert "Ibitinga" not in remembered and "arrego" not in remembered


# ---- recusal by words ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("A POLÍCIA ESTÁ ENVOLVIDA!!!", "police"),
        ("o delegado recebe propina do bicheiro", "officers"),
        ("a milícia é da PM", "police"),
        ("o policial me espancou na viatura", "officers"),
        ("O prefeito desvia verba da merenda", "municipality"),
        ("o secretário de segurança é corrupto", "security-secretariat"),
        ("o chefe manda de dentro do presídio", "prison"),
        ("vazaram minha denúncia", "line"),
        ("el alcalde recibe sobornos", "municipality"),
        ("los policías reciben dinero del cartel", "officers"),
        ("the mayor takes bribes", "municipality"),
        ("two officers beat him in the cell", "officers"),
        ("le maire a touché des pots-de-vin", "municipality"),
        ("les gendarmes sont corrompus", "officers"),
        ("majistra a kòwonpi", "municipality"),
        ("lapolis ladan l", "police"),
        ("Li konn bay polis bouk la kòb", "police"),
        ("apuestan y llega un policía de apellido Guardado", "police"),
    ],
)
def test_words_name_the_body_they_implicate(router: Router, words: str, body: str) -> None:
    assert body in router.cues.heard(words)


@pytest.mark.parametrize(
    "words",
    [
        "Estão vendendo droga na esquina da rua das Flores",
        "chamei a polícia e ele me bateu de novo",
        "liguei para a policia porque meu vizinho esta envolvido com o trafico",
        "roubaram o celular perto da delegacia",
        "há um vazamento de água em frente à prefeitura",
        "I called the police but nobody came. He sells drugs.",
        "llamé a la policía y no vino nadie",
        "j'ai appelé la police hier",
        "mwen rele lapolis men yo pa vini",
        "",
    ],
)
def test_a_body_only_mentioned_is_not_implicated(router: Router, words: str) -> None:
    assert router.cues.heard(words) == frozenset()


def test_each_recusal_carries_its_first_reason_and_only_the_outermost_body(router: Router) -> None:
    found = recusal.implicated(
        "a polícia está envolvida",
        (Act("INT-03", 0.9),),
        ("sesp-rj", "dcod-rj"),
        router.profile,
        cues=router.cues,
        place=RIO,
    )
    assert {one.agency: one.reason for one in found} == {
        "sesp-rj": recusal.NAMED,  # dcod-rj, pmerj and the rest stand under it
        "prefeitura-3304557": recusal.BY_TYPE,  # and the city's secretariat under this
        "pf": recusal.BY_WORDS,
        "prf": recusal.BY_WORDS,
    }


def test_a_flood_of_cues_is_read_in_linear_time(router: Router) -> None:
    for flood in ("policia propina ", "policia " * 9, "e ", "a milicia e da ", "propina, "):
        start = time.process_time()
        router.cues.heard(flood * (100_000 // len(flood)))
        assert time.process_time() - start < 1.5, flood


# ---- explain, diff, replay -------------------------------------------------------------


def test_explain_has_the_agreed_shape(router: Router) -> None:
    answer = router.explain(
        {
            "crime_types": ["ORG-01"],
            "place": {"municipality": "BR:IBGE:3303302"},
            "urgency": "past",
            "implicates": ["semsp-3303302"],
        }
    )
    assert list(answer) == [
        "crime_types",
        "place",
        "priority",
        "queue",
        "leads",
        "copies",
        "recused",
        "rules",
        "deadline",
    ]
    place = answer["place"]
    assert isinstance(place, dict)
    lists = {key: place.pop(key) for key in ("reasons", "candidates")}
    assert all(isinstance(value, list) for value in lists.values())
    assert place == {
        "municipality": "BR:IBGE:3303302",
        "name": "Niterói",
        "state": "BR-RJ",
        "country": "BR",
        "certainty": "certain",
    }
    assert answer["queue"] == "integrity:BR-RJ"
    assert answer["leads"] == ["mprj"]
    assert [one["agency"] for one in answer["recused"]] == ["semsp-3303302"]  # type: ignore[union-attr, index]
    assert answer["deadline"] == 1440


@pytest.mark.parametrize(
    "request_",
    [
        {"crime_types": ["ORG-99"]},
        {"crime_types": "ORG-01"},
        {"urgency": "yesterday"},
        {"text": 7},
        {"place": 7},
        {"place": {"municipality": 3304557}},
        {"implicates": [1]},
        {"colour": "blue"},
    ],
)
def test_a_request_of_another_shape_is_refused(router: Router, request_: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        router.explain(request_)


def test_a_body_nobody_knows_recuses_all_it_could_be(router: Router) -> None:
    decision = router.decide(tip("ORG-01", implicates=("o batalhao da esquina",)))
    assert {"prefeitura-3304557", "estado-rj", "uniao"} == {r.agency for r in decision.recused}
    assert decision.leads == ("mprj",)


def test_a_body_may_be_named_in_any_case_or_by_its_name(router: Router) -> None:
    for name in ("PMERJ", " pmerj", "polícia militar do estado do rio de janeiro"):
        decision = router.decide(tip("ORG-01", implicates=(name,)))
        assert [one.agency for one in decision.recused] == ["pmerj"]


def test_what_was_chosen_beats_what_was_answered_beats_what_was_told(router: Router) -> None:
    told = "aconteceu em Petrópolis RJ"
    chosen = router.find(told, "Niterói RJ", "BR:IBGE:3304557")
    answered = router.find(told, "Niterói RJ", None)
    found = router.find(told, None, None)
    lost = router.find(told, "perto da padaria", "BR:IBGE:0000000")
    assert [place.name for place in (chosen, answered, found, lost)] == [
        "Rio de Janeiro",
        "Niterói",
        "Petrópolis",
        "Petrópolis",
    ]


def test_diff_and_replay_tell_exactly_what_changed(
    router: Router, edit: Edit, types: Types, places: Places
) -> None:
    folder = edit("rules.toml", 'then = { lead = ["@capture"] }', 'then = { lead = ["pf"] }')
    new = Router.load(Profile.load(folder), types, places)
    assert compare.diff(router, router) == []
    cases = compare.diff(router, new)
    assert cases and all(case.case.startswith("PER-01 ") for case in cases)
    assert "lead [polinter-rj]" in cases[0].before and "lead [pf]" in cases[0].after
    requests = [
        {"crime_types": ["PRP-01"], "place": {"municipality": "BR:IBGE:3303302"}},
        {"crime_types": ["PER-01"], "place": {"municipality": "BR:IBGE:3303302"}},
    ]
    (only,) = compare.replay(router, new, requests)
    assert only.case == "request 2"
    assert (only.before, only.after) == ("leads: ['polinter-rj']", "leads: ['pf']")
