"""monitoring/exporter: reads the counters of Redis every few seconds, as a metrics exporter does."""

from __future__ import annotations

from clients import CallLog, RedisClient, pause, wait_for_run


def main() -> None:
    """Read memory and key counts until the recording ends."""
    store = RedisClient("redis.data", 6379, CallLog())
    while wait_for_run():
        store.call("PING")
        store.call("INFO", "memory")
        store.call("INFO", "keyspace")
        pause(6)


if __name__ == "__main__":
    main()
