"""Places: the counters of limits on Redis, for workers in several processes."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from hotline.jobs.limits import BUSY_SECONDS
from hotline.vault.small import derive, mac, random_id

_LABEL = "hotline/limits/1"

# By the clock of Redis, which all workers share. KEYS: the places; ARGV: most, seconds, token.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return tostring((first[2] or now) - now)
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] * 1000) + 1000)
return ''
"""


class RedisPlaces:
    """For workers in several processes. Redis flushed: counting begins anew. Redis away: nobody
    finds a place, and everything waits. Names are hidden under a key of the line."""

    def __init__(self, redis: Redis, secret: bytes) -> None:
        self._redis = redis
        self._key = derive(secret, _LABEL)
        self._take = redis.register_script(_TAKE)

    def take(self, name: str, most: int, seconds: float) -> tuple[bytes | None, float]:
        token = random_id()
        try:
            wait = self._take(keys=[self._name(name)], args=[most, seconds, token])
        except RedisError:
            return None, BUSY_SECONDS
        return (None, float(wait)) if wait else (token, 0.0)

    def give(self, name: str, token: bytes) -> None:
        try:
            self._redis.zrem(self._name(name), token)
        except RedisError:
            return  # it falls free by itself

    def _name(self, name: str) -> str:
        return "hotline:places:" + mac(self._key, name)[:16].hex()
