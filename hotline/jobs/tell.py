"""Tell: who hears of errands after their commit."""

from __future__ import annotations

from hotline.settings import Settings
from hotline.store.tips import Told


def teller(settings: Settings) -> Told:
    """Workers on Redis when there is one; otherwise nobody: the embedded engine looks itself."""
    if not settings.redis_url:
        return lambda errands: None
    from hotline.jobs.rq import Pusher, connect

    return Pusher(connect(settings.redis_url)).told
