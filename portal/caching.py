"""The cache in Redis, with one client for each connection pool. Nothing depends on it: where Redis
does not answer, the cache is empty.

Sessions are also in the database, and without Redis nobody is counted; so people sign in, read and
pay without it. A Redis that did not answer is not asked for some seconds: otherwise each look-up of
each request would wait for it. Keys that should have changed meanwhile are deleted before anything
is read again, so that a session that has ended does not come back with Redis.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# How long a Redis that did not answer is not asked again.
LEFT_ALONE_SECONDS = 5.0
# Where more keys than this are to be deleted, the whole cache is cleared.
MOST_OWED = 50_000


class Standing:
    """What this process knows of one Redis: until when it is not asked, and which keys are to be
    deleted from it (``owed``)."""

    def __init__(self) -> None:
        self.left_alone_until = 0.0
        self.owed: set[str] = set()

    @property
    def left_alone(self) -> bool:
        return time.monotonic() < self.left_alone_until

    def failed(self, error: RedisError) -> None:
        self.left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
        log.warning("Redis does not answer, and is left alone for %s s: %s", LEFT_ALONE_SECONDS, error)


# Each thread has a client; all clients of one Redis share its Standing.
STANDINGS: dict[tuple[str, ...], Standing] = {}


class _KeptClient(RedisCacheClient):
    """Django makes a client of its pool of connections for each look-up, which takes as long as the
    look-up."""

    def __init__(self, servers: Any, *args: Any, **options: Any) -> None:
        super().__init__(servers, *args, **options)
        self._clients: dict[Any, Any] = {}
        self.standing = STANDINGS.setdefault(tuple(servers), Standing())

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        # Neither is in the stubs; both are what Django's own get_client is made of.
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]
        if pool not in self._clients:
            self._clients[pool] = self._client(connection_pool=pool)  # type: ignore[attr-defined]
        return self._clients[pool]

    def _or(self, otherwise: Any, changed: Iterable[str], ask: Callable[..., Any], *args: Any) -> Any:
        """The answer of Redis. Where it does not answer: ``otherwise``, and the keys ``changed``
        are deleted as soon as it answers again."""
        standing = self.standing
        if standing.left_alone:
            standing.owed.update(changed)
            return otherwise
        try:
            if standing.owed:
                self._settle()
            return ask(*args)
        except RedisError as error:
            standing.owed.update(changed)
            standing.failed(error)
            return otherwise

    def _settle(self) -> None:
        owed = list(self.standing.owed)
        if len(owed) > MOST_OWED:
            super().clear()
        else:
            super().delete_many(owed)
        self.standing.owed.difference_update(owed)

    def add(self, key: Any, value: Any, timeout: Any) -> Any:
        return self._or(False, (), super().add, key, value, timeout)

    def get(self, key: Any, default: Any) -> Any:
        return self._or(default, (), super().get, key, default)

    def set(self, key: Any, value: Any, timeout: Any) -> Any:
        return self._or(None, (key,), super().set, key, value, timeout)

    def touch(self, key: Any, timeout: Any) -> Any:
        return self._or(False, (), super().touch, key, timeout)

    def delete(self, key: Any) -> Any:
        return self._or(False, (key,), super().delete, key)

    def get_many(self, keys: Any) -> Any:
        return self._or({}, (), super().get_many, list(keys))

    def has_key(self, key: Any) -> Any:
        return self._or(False, (), super().has_key, key)

    def incr(self, key: Any, delta: Any) -> Any:
        """Raises ValueError where there is no such counter, and so where there is no Redis."""
        counted = self._or(None, (), super().incr, key, delta)
        if counted is None:
            raise ValueError(f"there is no counter {key}")
        return counted

    def set_many(self, data: Any, timeout: Any) -> Any:
        return self._or(None, tuple(data), super().set_many, data, timeout)

    def delete_many(self, keys: Any) -> Any:
        return self._or(None, tuple(keys), super().delete_many, tuple(keys))


class Cache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient

    def answers(self) -> bool:
        """Whether Redis answers, asked now."""
        try:
            return bool(self._cache.get_client(None, write=True).ping())
        except RedisError:
            return False
