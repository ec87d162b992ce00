"""What most clusters of the lab have beside their own services: watchers of databases, partners outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evals.lab.incident import (
    Host,
    Workload,
    call,
    dns_server,
    grpc_service,
    http_service,
    job,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.steps import Step, answer, cached, grpc, guard, http, known, prepared, redis, sql, work

CODES = Host("codes.example.net", "203.0.113.20", {"GET /": [work(0.012), answer(size=180)]})
"""A partner asked over HTTP; its name makes the search domains be tried first (NXDOMAIN)."""

POST = Host("post.example.org", "203.0.113.21", {"POST /": [work(0.015), answer(202)]}, tls=True)
"""A partner asked over HTTPS."""


def exporter(cache: str, node: str = "a") -> Workload:
    """Make a metrics exporter that asks a Redis (`app.namespace`) for its counters, on one long-lived connection."""
    return job("monitoring", "exporter", node, [redis(cache, "PING"), redis(cache, "INFO", "memory")], every=5)


def digest(database: str, table: str, node: str = "a", every: float = 2.5) -> Workload:
    """Make a batch job that counts the rows of a table now and then."""
    steps = [sql(database, f"SELECT count(*), max(id) FROM {table}"), work(0.02)]  # noqa: S608
    return job("batch", "digest", node, steps, every=every, kind="Job")


def table(name: str, rows: int = 400, more: str = "") -> str:
    """Write SQL for a table of `rows` rows with id, owner, note and amount."""
    made = f"CREATE TABLE {name} (id serial PRIMARY KEY, owner text, note text, amount int DEFAULT 1);\n"
    columns = f"INSERT INTO {name} (owner, note, amount) "
    values = "SELECT 'c' || n % 40, 'Entry number ' || n, 100 + n * 7 % 900"
    return made + columns + values + f" FROM generate_series(1, {rows}) n;\n" + more


def reading(namespace: str, app: str, nodes: str, database: str, cache: str, up_to: int = 60) -> Workload:
    """Make a service that answers `GET /app/<n>` from a cache before a database; 404 above `up_to`."""
    inner = sql(database, "SELECT id, owner, note FROM entries WHERE id = {n}")
    steps = [known(up_to), cached(cache, f"{app}:{{n}}", inner, 5), answer(size=540)]
    return http_service(namespace, app, nodes, {f"GET /{app}": steps})


def writing(
    namespace: str, app: str, nodes: str, database: str, stamps: str, steps: tuple[Step, ...] = (), **more: Any
) -> Workload:
    """Make a service that takes `POST /app` from who has signed in, writes a row and asks a gRPC service."""
    insert = sql(database, f"INSERT INTO entries (owner, note) VALUES ('{{id}}', '{app}')")  # noqa: S608
    routes = [guard(), insert, grpc(stamps, "/day.Stamps/Put", otherwise=0, share=0.6), *steps, answer(201)]
    return http_service(namespace, app, nodes, {f"POST /{app}": routes}, **more)


def town(
    place: str, front: str, paths: tuple[str, ...], reads: str, writes: str, stamps: str, database: str, cache: str,
    places: str = "abbabaab", patience: float = 6,
) -> tuple[Workload, ...]:  # fmt: skip
    """Make nine workloads that many clusters have: a proxy before services, one that reads, one that writes, stores.

    paths: further services behind the proxy, each with the path of its name; places: nodes of DNS, proxy, reading,
    writing, stamps (gRPC), database, cache and of the watchers.
    """
    behind = {f"/{name}": f"{name}.{place}" for name in (reads, writes, *paths)}
    store, quick = f"{database}.data", f"{cache}.data"
    told = (http("codes.example.net", "/v1/codes?of={id}", share=0.25, reuse=1, otherwise=0),)
    return (
        dns_server(places[0]),
        nginx(place, front, places[1], behind, patience=patience),
        reading(place, reads, places[2], store, quick),
        writing(place, writes, places[3], store, f"{stamps}.{place}", told),
        grpc_service(place, stamps, places[4], {"POST /day.Stamps/Put": [work(0.003)]}),
        postgres_server("data", database, places[5], table("entries"), max_connections="60"),
        redis_server("data", cache, places[6]),
        exporter(quick, places[7]),
        digest(store, "entries", places[7]),
    )


def custom(reads: str, writes: str, token: str) -> list[dict[str, Any]]:
    """List the calls that a `town` gets anyway: known and unknown things, callers with and without a token."""
    return [
        call(4, "GET", f"/{reads}/{{1-60}}"), call(0.6, "GET", f"/{reads}/{{80-120}}"),
        call(2, "POST", f"/{writes}/{{1-40}}", token=token, send=90), call(0.5, "POST", f"/{writes}/{{1-40}}", send=90),
    ]  # fmt: skip


def borough(
    place: str, front: str, paths: Mapping[str, float], reads: str, writes: str, book: str, store: str, shelf: str,
    places: str = "babcabca",
) -> tuple[Workload, ...]:  # fmt: skip
    """Make eight workloads that are built otherwise than a `town`.

    A gateway in Python on port 9080 and no proxy, services on port 9000, a database without a ClusterIP asked by
    prepared statements, a Redis on port 6380. paths: further services behind the gateway, each with the
    gateway's patience; places: nodes of DNS, gateway, reading, writing, book (gRPC on 7070), store, shelf and exporter.
    """
    behind = {f"GET /{name}": _passed(f"{name}.{place}", name, patience) for name, patience in paths.items()}
    routes = {
        f"GET /{reads}": _passed(f"{reads}.{place}", reads, 5),
        f"POST /{writes}": [
            guard(), http(f"{writes}.{place}", f"/{writes}/{{n}}", "POST", port=9000, send=120), answer(201),
        ],
        **behind,
    }  # fmt: skip
    reading = [
        known(70), prepared(f"{store}.{place}", "SELECT id, owner, note FROM entries WHERE id = $1", "{n}", reuse=25),
        answer(size=620),
    ]  # fmt: skip
    writing = [
        redis(f"{shelf}.{place}", "INCR", f"{writes}:{{n}}", port=6380),
        grpc(f"{book}.{place}", "/ledger.Book/Note", port=7070, otherwise=0),
        http("codes.example.net", "/v1/codes?of={id}", share=0.3, reuse=1, otherwise=0), answer(201),
    ]  # fmt: skip
    return (
        dns_server(places[0]),
        listens(http_service(place, front, places[1], routes, "3.0"), 9080),
        listens(http_service(place, reads, places[2], {f"GET /{reads}": reading}), 9000),
        listens(http_service(place, writes, places[3], {f"POST /{writes}": writing}), 9000),
        listens(grpc_service(place, book, places[4], {"POST /ledger.Book/Note": [work(0.002)]}), 7070),
        replace(postgres_server(place, store, places[5], table("entries"), max_connections="60"), headless=True),
        listens(redis_server(place, shelf, places[6], port="6380"), 6380),
        job(place, "exporter", places[7], [redis(f"{shelf}.{place}", "INFO", "stats", port=6380)], every=5),
    )


def listens(workload: Workload, port: int) -> Workload:
    """Let a workload and its service listen on another port."""
    return replace(workload, port=port, service_port=port, settings={**workload.settings, "port": port})


def _passed(host: str, name: str, patience: float) -> list[Step]:
    return [http(host, f"/{name}/{{n}}", port=9000, timeout=patience), answer(size=500)]


def visitors(reads: str, writes: str, token: str) -> list[dict[str, Any]]:
    """List the calls that a `borough` gets anyway; 401 and 404 among them."""
    return [
        call(4, "GET", f"/{reads}/{{1-70}}"), call(0.5, "GET", f"/{reads}/{{90-130}}"),
        call(2, "POST", f"/{writes}/{{1-40}}", token=token, send=60), call(0.5, "POST", f"/{writes}/{{1-40}}", send=60),
    ]  # fmt: skip
