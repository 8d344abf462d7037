"""Senders: the ports to the outside, each with a real, a console and a recording form.

The real one speaks the provider's REST API through its own SDK, with a time-out (the SDK's default
waits for ever) and to the base URL of the settings. None of them logs or keeps what it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from hotline.errors import HotlineError
from hotline.settings import TWILIO_API, Settings
from hotline.tips import Trace

TIMEOUT_SECONDS = 10.0
LARGEST_RECORDING = 20 * 1024 * 1024


class ProviderProblem(HotlineError):
    """The provider did not do it now; ``code`` says why in our words."""

    code = "provider_problem"

    def __init__(self, reason: str) -> None:
        super().__init__("The provider did not answer as hoped.")
        self.reason = reason


class Provider(Protocol):
    """The telephone provider."""

    def erase(self, trace: Trace) -> None:
        """Deletes what the provider keeps; already gone is done. Raises ProviderProblem."""

    def recording(self, sid: str) -> bytes:
        """The sound of a recording, in memory. Raises ProviderProblem."""

    def alert(self, number: str, text: str) -> None:
        """A text to somebody on duty. Raises ProviderProblem."""


class TwilioProvider:
    """The real one. Built once a process; the SDK takes half a second to import."""

    def __init__(self, settings: Settings) -> None:
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        base = settings.twilio_api_url

        class Redirecting(TwilioHttpClient):
            def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                return super().request(method, base + url.removeprefix(TWILIO_API), *args, **kwargs)

        self._http = Redirecting(timeout=TIMEOUT_SECONDS)
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
                "call": api.calls,
            }[trace.resource](trace.sid).delete
        self._try(action)

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
                    raise ProviderProblem(f"http_{response.status_code}")
                sound = response.raw.read(LARGEST_RECORDING + 1, decode_content=True)
            if len(sound) > LARGEST_RECORDING:
                raise ProviderProblem("too_large")
            return bytes(sound)

        fetched: bytes = self._try(fetch)
        return fetched

    def alert(self, number: str, text: str) -> None:
        if not self._number:
            raise ProviderProblem("no_number")
        self._try(lambda: self._client.messages.create(to=number, body=text, from_=self._number))

    def _try(self, action: Callable[[], Any]) -> Any:
        from requests.exceptions import RequestException
        from twilio.base.exceptions import TwilioException, TwilioRestException

        try:
            return action()
        except TwilioRestException as error:
            if error.status == 404:
                return None
            # 20009: not before the message is final; it becomes deletable within minutes.
            raise ProviderProblem(f"provider_{error.code or error.status}") from None
        except (TwilioException, RequestException, OSError):
            raise ProviderProblem("unreachable") from None


class ConsoleProvider:
    """For a line without a provider account: says what it would do, in words without content."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def erase(self, trace: Trace) -> None:
        self._say(f"provider: would delete one {trace.resource}")

    def recording(self, sid: str) -> bytes:
        del sid
        self._say("provider: would fetch one recording")
        return b""

    def alert(self, number: str, text: str) -> None:
        del number, text
        self._say("provider: would alert one person on duty")


class RecordingProvider:
    """For tests: remembers, and fails on demand."""

    def __init__(self) -> None:
        self.erased: list[tuple[str, str]] = []
        self.alerts: list[tuple[str, str]] = []
        self.sounds: dict[str, bytes] = {}
        self.failures: list[str] = []
        self._lock = threading.Lock()

    def _maybe_fail(self) -> None:
        with self._lock:
            if self.failures:
                raise ProviderProblem(self.failures.pop(0))

    def erase(self, trace: Trace) -> None:
        self._maybe_fail()
        self.erased.append((trace.resource, trace.sid))

    def recording(self, sid: str) -> bytes:
        self._maybe_fail()
        return self.sounds.get(sid, b"RIFF")

    def alert(self, number: str, text: str) -> None:
        self._maybe_fail()
        self.alerts.append((number, text))


def provider(settings: Settings, say: Callable[[str], None]) -> Provider:
    """The real provider when an account is set and this is no demo."""
    if settings.twilio_account_sid and not settings.demo:
        return TwilioProvider(settings)
    return ConsoleProvider(say)
