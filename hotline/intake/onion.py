"""Onion: where Tor Browser finds the same pages without anybody between who sees the address."""

from __future__ import annotations

from flask import Blueprint, Response, request


def install(web: Blueprint, onion_url: str) -> None:
    """The header ``Onion-Location`` and a line in the footer, while nothing is told yet: following
    either from a page with answers would lose them. Nothing for who came by the onion service."""

    def offered() -> str:
        there = request.host.partition(":")[0].endswith(".onion")
        return "" if request.method != "GET" or there else onion_url

    @web.after_request
    def _header(response: Response) -> Response:
        if (address := offered()) and response.status_code == 200:
            response.headers["Onion-Location"] = address + request.path
        return response

    web.context_processor(lambda: {"onion": offered()})
