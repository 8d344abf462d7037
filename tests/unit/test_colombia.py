"""Colombia: another country's profile, whole: nothing in routing is Brazilian by accident."""

from __future__ import annotations

import pytest

from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Decision,
    Language,
    Place,
    Tip,
    Urgency,
)

SOACHA = "CO:DANE:25754"
BOGOTA = "CO:DANE:11001"


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load("CO")


@pytest.fixture(scope="module")
def router(places: Places) -> Router:
    return Router.load(Profile.load("co"), Types.load(), places)


def decided(
    router: Router, *codes: str, at: str = SOACHA, text: str = "", accused: tuple[str, ...] = ()
) -> Decision:
    place = router.places.by_key(at) or Place()
    one = Tip(
        channel=Channel.WEB,
        language=Language.ES,
        text=text,
        urgency=Urgency.UNKNOWN,
        implicates=accused,
    )
    told = Classification(tuple(Act(code, 0.9) for code in codes))
    return router.decide(ClassifiedTip(one, told, place))


def told(router: Router, decision: Decision) -> set[str]:
    """Everyone who learns of it, and everything above them, from parents and inboxes alone."""
    everyone = {*decision.leads, *decision.copies, router.profile.queues[decision.queue].agency}
    waiting = list(everyone)
    while waiting:
        body = router.profile.agency(waiting.pop())
        above = {body.parent, body.via} - {None} if body else set()
        waiting += [id for id in above if id and id not in everyone]
        everyone |= {id for id in above if id}
    return everyone


# ---- places and bodies -----------------------------------------------------------------


def test_every_municipality_of_colombia_has_bodies_that_some_inbox_receives_for(
    places: Places,
) -> None:
    profile = Profile.load("co")
    inboxes = {id.partition(":")[2] for id in profile.recipients() if id.startswith("agency:")}
    assert profile.state_keys == {state for state, _ in places.states()}
    count = 0
    for state in sorted(profile.state_keys):
        for key, _ in places.in_state(state):
            count += 1
            assert profile.state_of(key) == state
            for kind in ("security", "comisaria", "personeria"):
                body = profile.agency(f"{kind}@{key}")
                assert body is not None and body.jurisdiction == key
                assert profile.inbox(body.id) in inboxes
    assert count == len(places) == 1121


def test_the_departments_are_called_as_the_table_of_places_calls_them(router: Router) -> None:
    for key, name in router.places.states():
        if key not in ("CO-DC", "CO-SAP"):  # "Capital de Bogotá"; shorter than by law
            assert name in router.profile.agencies[f"icbf@{key}"].name


@pytest.mark.parametrize(
    "id",
    [
        "security@CO:DANE:2575",
        "security@CO:DANE:257540",
        "security@CO:DANE:00754",
        "security@BR:IBGE:3304557",
        "security@CO:DANE:٢٥٧٥٤",
        "security@25754",
    ],
)
def test_an_id_that_only_looks_like_a_body_is_nobody(router: Router, id: str) -> None:
    assert router.profile.agency(id) is None


def test_every_function_the_rules_ask_for_is_held_where_colombia_is_known(router: Router) -> None:
    for kind in router.types:
        for key in (SOACHA, BOGOTA, "CO:DANE:88001", "CO:DANE:91405"):
            decision = decided(router, kind.code, at=key)
            assert decision.leads, (kind.code, key)


def test_street_crime_goes_to_the_secretariat_of_the_town(router: Router) -> None:
    answer = router.explain({"text": "Venden drogas en el parque de Soacha, Cundinamarca"})
    assert answer["leads"] == [f"security@{SOACHA}"]
    assert answer["queue"] == "general:CO"
    assert router.profile.inbox(f"security@{SOACHA}") == "security@CO-CUN"


@pytest.mark.parametrize(
    ("code", "queue", "lead"),
    [
        ("GBV-01", "gbv:CO", "capiv"),
        ("GBV-05", "gbv:CO", "caivas"),
        ("GBV-06", "gbv:CO", "police@CO-CUN"),
        ("TIP-01", "trafficking:CO", "dijin"),
        ("TIP-05", "trafficking:CO", "mintrabajo"),
        ("CHD-04", "children:CO", "icbf@CO-CUN"),
        ("CHD-01", "children:CO", "caivas"),
        ("VUL-03", "vulnerable:CO", "fiscalia"),
        ("ENV-02", "environment:CO", "car@CO-CUN"),
        ("INT-03", "integrity:CO", "fiscalia"),
        ("ORG-05", "general:CO", "gaula"),
        ("ORG-08", "general:CO", "gaula"),
        ("ORG-02", "general:CO", "diran"),
        ("PRP-07", "general:CO", "polfa"),
    ],
)
def test_special_desks_and_specialised_bodies_are_chosen(
    router: Router, code: str, queue: str, lead: str
) -> None:
    decision = decided(router, code)
    assert (decision.queue, decision.leads) == (queue, (lead,))


def test_nothing_is_sent_to_the_migration_office(router: Router) -> None:
    for kind in router.types:
        decision = decided(router, kind.code)
        assert "migracion" not in (*decision.leads, *decision.copies)


def test_what_happened_in_another_country_is_not_colombias(router: Router) -> None:
    answer = router.explain({"text": "Venden droga en Maracaibo, Venezuela"})
    assert answer["queue"] == "unresolved:CO" and answer["leads"] == []


# ---- who must not learn of it ----------------------------------------------------------

POLICE = [
    ("INT-01", "", ()),
    ("INT-02", "", ()),
    ("ORG-01", "los tombos reciben plata de la olla", ()),
    ("GBV-01", "mi marido es policía", ()),
    ("CHD-01", "el patrullero abusa de la niña", ()),
    ("TIP-01", "la policía está metida", ()),
]


@pytest.mark.parametrize(("code", "text", "accused"), POLICE)
@pytest.mark.parametrize("at", [SOACHA, BOGOTA, ""])
def test_a_tip_about_the_local_police_reaches_no_police_nor_their_ministry(
    router: Router, code: str, text: str, accused: tuple[str, ...], at: str
) -> None:
    decision = decided(router, code, at=at, text=text, accused=accused)
    reached = told(router, decision)
    branch = set(router.profile.subtree("mindefensa"))
    assert {"policia", "dijin", "gaula", "polfa", "inspeccion-policia", "ejercito"} <= branch
    assert not reached & branch, (decision.leads, decision.copies)
    assert not any(id.startswith("security@") for id in reached)  # the mayor commands the police
    assert decision.leads and decision.queue == "integrity:CO"


def test_the_customs_police_are_kept_out_with_the_police_and_with_customs(router: Router) -> None:
    assert decided(router, "PRP-07").leads == ("polfa",)
    for body in ("policia", "dian", "mindefensa", "minhacienda"):
        assert "polfa" not in told(router, decided(router, "PRP-07", accused=(body,)))


def test_in_bogota_the_mayor_is_the_department_too(router: Router) -> None:
    decision = decided(router, "ORG-01", at=BOGOTA, text="el alcalde recibe sobornos")
    assert [one.agency for one in decision.recused] == ["government@CO-DC"]
    assert not told(router, decision) & set(router.profile.subtree("government@CO-DC"))
    assert decided(router, "ORG-01", at=BOGOTA).leads == (f"security@{BOGOTA}",)


def test_a_prosecutor_accused_does_not_read_the_tip(router: Router) -> None:
    decision = decided(router, "ORG-10", text="el fiscal recibe plata del clan")
    assert decision.leads == ("disciplina-judicial",)
    assert not told(router, decision) & set(router.profile.subtree("fiscalia"))


def test_extortion_from_prison_goes_to_the_gaula_and_past_the_prison(router: Router) -> None:
    decision = decided(router, "ORG-05", text="me extorsionan desde la cárcel")
    assert decision.leads == ("gaula",) and "inpec" not in told(router, decision)
    both = decided(router, "ORG-05", text="extorsionan desde la cárcel y la policía recibe plata")
    assert both.leads == ("fiscalia",)


def test_no_body_that_is_named_learns_of_any_type_of_tip(router: Router) -> None:
    profile = router.profile
    named = {one.id for one in (*profile.agencies.values(), *profile.serving(SOACHA))}
    for id in sorted(named):
        for kind in router.types:
            decision = decided(router, kind.code, accused=(id,))
            assert id not in told(router, decision), (id, kind.code)
            assert profile.queues[decision.queue].staffed


# ---- words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("la policía está metida en eso", "police"),
        ("LA POLICÍA RECIBE PLATA DE LOS JÍBAROS", "police"),
        ("los tombos les avisan antes del operativo", "officers"),
        ("los tombos cobran vacuna en la olla", "officers"),
        ("los del CAI venden la droga que quitan", "officers"),
        ("un policía violó a la muchacha", "officers"),
        ("la policía nos golpeó", "police"),
        ("el comandante recibe plata de los de la mina", "commander"),
        ("los patrulleros del cuadrante se hacen los de la vista gorda", "officers"),
        ("no le digan a la policía", "police"),
        ("mi esposo es policía y me pega", "police"),
        ("la alcaldía amaña los contratos, todo es con coima", "city-hall"),
        ("el alcalde recibe sobornos", "mayor"),
        ("el concejal amenazó a los vecinos", "mayor"),
        ("el inspector de policía pide plata para no desalojar", "local-authority"),
        ("el secretario de gobierno está untado", "local-authority"),
        ("la fiscalía está comprada", "prosecutor"),
        ("un fiscal le pasa información a la banda y recibe plata", "prosecutor"),
        ("el GAULA trabaja con los mismos extorsionistas", "police"),
        ("una funcionaria del ICBF pide plata por la custodia", "child-welfare"),
        ("el ejército desapareció a dos campesinos", "military"),
        ("unos soldados violaron a la niña", "military"),
        ("otra vez falsos positivos en la vereda", "military"),
        ("la guardia del INPEC vende celulares", "prison"),
        ("los dragoneantes cobran por la visita", "prison"),
        ("llaman a extorsionar desde la cárcel", "prison"),
        ("los de migración cobran para dejar pasar", "migration"),
        ("la comisaria de familia es cómplice", "family-commissary"),
        ("el gobernador se robó la plata del PAE", "governor"),
        ("la DIAN deja pasar el contrabando por coimas", "customs"),
        ("el personero está aliado con ellos", "personeria"),
        ("la corporación autónoma recibe plata de la mina", "environment"),
        ("se enteraron de mi denuncia", "line"),
        ("a polícia está envolvida", "police"),
        ("the police take bribes", "police"),
    ],
)
def test_words_name_the_body_they_implicate(router: Router, words: str, body: str) -> None:
    assert body in router.cues.heard(words)


@pytest.mark.parametrize(
    "words",
    [
        "Venden drogas en la esquina del parque",
        "llamé a la policía y no vino nadie",
        "llamé a la policía porque mi marido me volvió a pegar",
        "venden bazuco al lado del CAI de Ciudad Bolívar",
        "llamé a los policías por el robo de mi moto",
        "me robaron el celular frente a la estación de policía",
        "mataron a un policía en el barrio",
        "el ELN amenazó al alcalde y a los concejales",
        "van a poner una bomba en la alcaldía",
        "hay una filtración de agua frente a la alcaldía",
        "cerraron la vía y hay desvío por la alcaldía",
        "puse la denuncia en la fiscalía y no ha pasado nada",
        "la comisaría de familia queda al lado de la olla",
        "el niño está en un hogar de bienestar familiar",
        "un comandante guerrillero extorsiona a los ganaderos",
        "el Ejército de Liberación Nacional recluta menores",
        "el ejército gaitanista cobra vacuna a los comerciantes",
        "la guardia indígena encontró el laboratorio",
        "una persona mayor vive sola y le roban la pensión",
        "lo soltaron de la cárcel y volvió a extorsionar",
        "maltratan al perro y lo dejan sin comida",
        "",
    ],
)
def test_a_body_only_mentioned_is_not_implicated(router: Router, words: str) -> None:
    assert router.cues.heard(words) == frozenset()


def test_an_armed_groups_name_hides_no_body_beside_it(router: Router) -> None:
    heard = router.cues.heard(
        "el Ejército de Liberación Nacional y la policía está metida con ellos"
    )
    assert heard == {"police"}


# ---- the language of a request ---------------------------------------------------------


def test_a_request_without_a_language_is_in_the_profiles_first(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert router.profile.languages[0] is Language.ES
    heard: list[Language] = []
    classify = Types.classify

    def listen(self: Types, text: str, language: Language, **more: object) -> Classification:
        heard.append(language)
        return classify(self, text, language, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Types, "classify", listen)
    for request in (
        {"text": "x"},
        {"text": "x", "language": "xx"},
        {"text": "x", "language": "ht"},
    ):
        router.explain(request)
    assert heard == [Language.ES, Language.ES, Language.HT]


def test_a_place_nobody_is_sure_of_keeps_every_town_out(router: Router) -> None:
    place = Place(None, None, "CO-CUN", "CO", Certainty.PROBABLE)
    one = Tip(channel=Channel.SMS, language=Language.ES, text="el alcalde recibe sobornos")
    told_ = Classification((Act("ORG-01", 0.9),))
    decision = router.decide(ClassifiedTip(one, told_, place))
    assert "cities@CO-CUN" in {one.agency for one in decision.recused}


def test_foreigners_are_heard_in_the_lines_other_languages(router: Router) -> None:
    for words in (
        "Os PMs do batalhão recebem arrego todo mês",
        "la police ferme les yeux",
        "lapolis pran lajan nan men yo",
        "the cops are on the payroll of the gang",
    ):
        assert router.cues.heard(words) & {"police", "officers"}, words
