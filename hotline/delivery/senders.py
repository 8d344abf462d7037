"""Senders: the ports to the outside, each with a real, a console and a recording form.

The real one speaks the provider's REST API through its own SDK, with a time-out (the SDK's default
waits for ever) and to the base URL of the settings. None of them logs or keeps what it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, Protocol

from hotline.errors import HotlineError
from hotline.settings import TWILIO_API, Settings
from hotline.tips import Redacted, Trace

TIMEOUT_SECONDS = 10.0
LARGEST_RECORDING = 20 * 1024 * 1024
PAGE = 200  # records a page; the provider gives 1,000 at most, and each may hold a whole text
LONGEST_WAIT = 3600  # seconds; a Retry-After beyond it would park an erasure out of sight
REFUSED = "refused"  # our token is wrong or has no right: no retry helps until a person corrects it
NOT_FINAL = "provider_20009"  # not before the message or call is final; most are within minutes


class ProviderProblem(HotlineError):
    """The provider did not do it now; ``reason`` says why in our words, ``wait`` the seconds it
    asked us to stay away."""

    code = "provider_problem"

    def __init__(self, reason: str, wait: int = 0) -> None:
        super().__init__("The provider did not answer as hoped.")
        self.reason = reason
        self.wait = wait


@dataclass(frozen=True, slots=True, repr=False)
class Kept(Redacted):
    """A record on the provider's shelf: its identifier and when it was made (seconds since 1970,
    None when the provider does not say). Whose it is, is never taken from the list."""

    sid: str
    made: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Shelf(Redacted):
    """A page of what the provider keeps; ``following`` is the address of the next one, or empty."""

    records: tuple[Kept, ...]
    following: str = ""


class Provider(Protocol):
    """The telephone provider."""

    def erase(self, trace: Trace) -> None:
        """Deletes what the provider keeps; already gone is done. Raises ProviderProblem."""

    def recorded(self, call: str) -> bool:
        """Whether the provider still has a recording of this call. Raises ProviderProblem."""

    def shelf(self, resource: str, following: str = "") -> Shelf:
        """A page of all records of one kind. Raises ProviderProblem."""

    def recording(self, sid: str) -> bytes:
        """The sound of a recording, in memory. Raises ProviderProblem."""

    def media(self, message_sid: str, media_sid: str) -> tuple[str, bytes]:
        """Media type and bytes of a file sent with a message, in memory. Raises ProviderProblem."""

    def alert(self, number: str, text: str) -> None:
        """A text to somebody on duty. Raises ProviderProblem."""

    def call(self, number: str, address: str, seconds: int) -> str:
        """Rings somebody on duty for so long. What they hear is asked for at ``address``; how it
        ended is told to ``address``/ended. The call's identifier. Raises ProviderProblem."""

    def hang_up(self, call: str) -> None:
        """Ends a call, ringing or talking; one that is over stays so. Raises ProviderProblem."""


class TwilioProvider:
    """The real one. Built once a process; the SDK takes half a second to import."""

    def __init__(self, settings: Settings) -> None:
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        base = settings.twilio_api_url

        class Redirecting(TwilioHttpClient):
            def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                url = base + url.removeprefix(TWILIO_API)
                try:
                    response = super().request(method, url, *args, **kwargs)
                finally:
                    # The SDK remembers the last exchange, and a page of a list holds numbers.
                    self._test_only_last_request = self._test_only_last_response = None
                if response.status_code in (401, 403, 429) or response.status_code >= 500:
                    _complain(response.status_code, response.headers)
                return response

        self._http = Redirecting(timeout=TIMEOUT_SECONDS)
        self._base = base
        self._auth = (settings.twilio_account_sid, settings.twilio_auth_token)
        self._recordings = f"{base}/2010-04-01/Accounts/{settings.twilio_account_sid}/Recordings"
        self._client = Client(*self._auth, http_client=self._http)
        self._number = settings.twilio_number

    def erase(self, trace: Trace) -> None:
        api = self._client.api.v2010.account
        if trace.resource == "media":
            action = api.messages(trace.parent).media(trace.sid).delete
        else:
            action = {
                "message": api.messages,
                "recording": api.recordings,
                "transcription": api.transcriptions,
                "call": api.calls,
            }[trace.resource](trace.sid).delete
        self._try(action)

    def recorded(self, call: str) -> bool:
        recordings = self._client.api.v2010.account.calls(call).recordings
        # A call that is gone (None) has none.
        return bool(self._try(lambda: list(recordings.page(page_size=1))))

    def shelf(self, resource: str, following: str = "") -> Shelf:
        api = self._client.api.v2010.account
        records = {
            "message": api.messages,
            "recording": api.recordings,
            "transcription": api.transcriptions,
            "call": api.calls,
        }[resource]

        def fetch() -> Shelf:
            # Never by a number or a day: the SDK logs what it asks, the provider's filters go by
            # the day a message was sent, and one that failed has none. Age is looked at here.
            page = records.get_page(following) if following else records.page(page_size=PAGE)
            kept = tuple(Kept(record.sid, _seconds(record.date_created)) for record in page)
            return Shelf(kept, page.next_page_url or "")

        found: Shelf | None = self._try(fetch)
        if found is None:
            raise ProviderProblem("provider_404")
        return found

    def recording(self, sid: str) -> bytes:
        import requests

        def fetch() -> bytes:
            # Not by the SDK, which decodes what it gets as text. No redirect is followed: sound
            # comes from the account's own address or not at all.
            with requests.get(
                f"{self._recordings}/{sid}.wav",
                auth=self._auth,
                timeout=TIMEOUT_SECONDS,
                stream=True,
                allow_redirects=False,
            ) as response:
                if response.status_code != 200:
                    _complain(response.status_code, response.headers)
                sound = response.raw.read(LARGEST_RECORDING + 1, decode_content=True)
            if len(sound) > LARGEST_RECORDING:
                raise ProviderProblem("too_large")
            return bytes(sound)

        fetched: bytes = self._try(fetch)
        return fetched

    def media(self, message_sid: str, media_sid: str) -> tuple[str, bytes]:
        from hotline.delivery.media import Account, fetched

        return fetched(Account(self._base, *self._auth), message_sid, media_sid)

    def alert(self, number: str, text: str) -> None:
        if not self._number:
            raise ProviderProblem("no_number")
        self._try(lambda: self._client.messages.create(to=number, body=text, from_=self._number))

    def call(self, number: str, address: str, seconds: int) -> str:
        if not self._number:
            raise ProviderProblem("no_number")
        made = self._try(
            lambda: self._client.calls.create(
                to=number,
                from_=self._number,
                url=address,
                method="POST",
                status_callback=f"{address}/ended",
                status_callback_method="POST",
                status_callback_event=["completed"],
                timeout=seconds,
            )
        )
        if made is None:
            raise ProviderProblem("provider_404")
        return str(made.sid)

    def hang_up(self, call: str) -> None:
        self._try(lambda: self._client.calls(call).update(status="completed"))

    def _try(self, action: Callable[[], Any]) -> Any:
        from requests.exceptions import RequestException
        from twilio.base.exceptions import TwilioException, TwilioRestException

        try:
            return action()
        except TwilioRestException as error:
            if error.status == 404:
                return None
            raise ProviderProblem(f"provider_{error.code or error.status}") from None
        except (TwilioException, RequestException, OSError):
            raise ProviderProblem("unreachable") from None
        except (ValueError, TypeError):
            # Not what the SDK expects: some machine between us and the provider has answered.
            raise ProviderProblem("unreadable") from None


def _complain(status: int, headers: Any) -> NoReturn:
    """Turns a status of the provider into our words."""
    if status in (401, 403):
        raise ProviderProblem(REFUSED)
    if status == 429:
        asked = str((headers or {}).get("Retry-After", ""))
        raise ProviderProblem("busy", min(int(asked), LONGEST_WAIT) if asked.isdecimal() else 0)
    raise ProviderProblem(f"http_{status}")


def _seconds(date: Any) -> float | None:
    # What the SDK cannot read as a date it hands on as it is.
    return date.timestamp() if isinstance(date, datetime) else None


class ConsoleProvider:
    """For a line without a provider account: says what it would do, in words without content."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def erase(self, trace: Trace) -> None:
        self._say(f"provider: would delete one {trace.resource}")

    def recorded(self, call: str) -> bool:
        del call
        return False

    def shelf(self, resource: str, following: str = "") -> Shelf:
        del following
        self._say(f"provider: would look for every old {resource}")
        return Shelf(())

    def recording(self, sid: str) -> bytes:
        del sid
        self._say("provider: would fetch one recording")
        return b""

    def media(self, message_sid: str, media_sid: str) -> tuple[str, bytes]:
        del message_sid, media_sid
        self._say("provider: would fetch one file")
        return "", b""

    def alert(self, number: str, text: str) -> None:
        del number, text
        self._say("provider: would alert one person on duty")

    def call(self, number: str, address: str, seconds: int) -> str:
        del number, address, seconds
        self._say("provider: would call one person on duty")
        return ""

    def hang_up(self, call: str) -> None:
        del call
        self._say("provider: would end one call")


class RecordingProvider:
    """For tests: remembers, and fails on demand."""

    def __init__(self) -> None:
        self.erased: list[tuple[str, str]] = []
        self.alerts: list[tuple[str, str]] = []
        self.calls: list[tuple[str, str]] = []
        self.hung_up: list[str] = []
        self.sounds: dict[str, bytes] = {}
        self.files: dict[str, tuple[str, bytes]] = {}  # by media sid
        self.failures: list[str] = []
        self.shelves: dict[str, list[Kept]] = {}
        self.recordings: set[str] = set()  # calls that have one
        self._lock = threading.Lock()

    def _maybe_fail(self) -> None:
        with self._lock:
            if self.failures:
                raise ProviderProblem(self.failures.pop(0))

    def erase(self, trace: Trace) -> None:
        self._maybe_fail()
        self.erased.append((trace.resource, trace.sid))
        shelf = self.shelves.get(trace.resource, [])
        self.shelves[trace.resource] = [kept for kept in shelf if kept.sid != trace.sid]

    def recorded(self, call: str) -> bool:
        return call in self.recordings

    def shelf(self, resource: str, following: str = "") -> Shelf:
        del following
        self._maybe_fail()
        return Shelf(tuple(self.shelves.get(resource, ())))

    def recording(self, sid: str) -> bytes:
        self._maybe_fail()
        return self.sounds.get(sid, b"RIFF")

    def media(self, message_sid: str, media_sid: str) -> tuple[str, bytes]:
        del message_sid
        self._maybe_fail()
        if media_sid not in self.files:
            raise ProviderProblem("http_404")
        return self.files[media_sid]

    def alert(self, number: str, text: str) -> None:
        self._maybe_fail()
        self.alerts.append((number, text))

    def call(self, number: str, address: str, seconds: int) -> str:
        del seconds
        self._maybe_fail()
        self.calls.append((number, address))
        return f"CA{len(self.calls):032x}"

    def hang_up(self, call: str) -> None:
        self.hung_up.append(call)


def provider(settings: Settings, say: Callable[[str], None]) -> Provider:
    """The real provider when an account is set and this is no demo."""
    if settings.twilio_account_sid and not settings.demo:
        return TwilioProvider(settings)
    return ConsoleProvider(say)
