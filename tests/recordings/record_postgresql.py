"""The PostgreSQL recordings: a server of its own on loopback, with psql, psycopg and asyncpg as clients.

Needs the packages `psycopg[binary]` and `asyncpg`. A call of the log is one execution of a statement, as its client
tells it: `query`, then `tag` and `rows`, or `error` (SQLSTATE, message); `aborted` where a pipeline passed it over.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loopback import capture, server, settle

PORT = 5432
Log = list[dict[str, Any]]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
WHERE = {"host": "127.0.0.1", "port": PORT, "dbname": "shop", "user": "app", "password": "open sesame"}


def connect(log: Log, **options: Any) -> Any:
    """Log in with psycopg, which takes no statement of its own; the log holds the login."""
    import psycopg

    where = {**WHERE, "sslmode": "disable", "application_name": "recorder", "autocommit": True, **options}
    call: dict[str, Any] = {"login": where["user"], "database": where["dbname"]}
    log.append(call)
    try:
        connection = psycopg.connect(**where)
    except psycopg.OperationalError as error:
        call["refused"] = str(error).partition("FATAL:")[2].strip().partition("\n")[0]
        return None
    call["process"] = connection.info.backend_pid
    return connection


def execute(log: Log, connection: Any, query: str, parameters: Any = None, **options: Any) -> Any:
    """Execute one statement with psycopg, and log what came of it."""
    import psycopg

    cursor = connection.cursor()
    call: dict[str, Any] = {"process": connection.info.backend_pid, "query": query.replace("%s", "$1")}
    log.append(call)
    try:
        cursor.execute(query, parameters, **options)
    except psycopg.Error as error:
        call["error"] = [error.sqlstate, error.diag.message_primary]
        return cursor
    call |= {"tag": cursor.statusmessage, "rows": len(cursor.fetchall()) if cursor.description else 0}
    return cursor


def psql(log: Log, work: Path) -> None:
    """Statements that psql sends as simple queries; it says SQLSTATE and number of rows of each."""
    statements = (
        "CREATE TABLE items (id int PRIMARY KEY, name text, price numeric)",
        "INSERT INTO items VALUES (1, 'tea', 2.50), (2, 'coffee', 3.00), (3, 'milk', NULL)",
        "SELECT * FROM items ORDER BY id",
        "SELECT name FROM items WHERE price > 2.6 /* the dear ones */",
        "UPDATE items SET price = 1 WHERE id > 1",
        "SELECT * FROM nowhere",
        "SELECT 1/0",
        "DELETE FROM items WHERE id = 99",
        "WITH gone AS (DELETE FROM items WHERE id = 3 RETURNING id) SELECT count(*) FROM gone",
        "SELECT generate_series(1, 1500) AS n",
        "DROP TABLE IF EXISTS nothing",
        "DROP TABLE items",
    )
    script = "\\set QUIET on\n\\o /dev/null\n"
    script += "".join(f"{each};\n\\warn :SQLSTATE :ROW_COUNT\n" for each in statements)
    where = f"host=127.0.0.1 port={PORT} dbname=shop user=app password='open sesame' sslmode=disable"
    done = subprocess.run(("psql", "-X", where), input=script, capture_output=True, text=True, timeout=60, check=True)
    outcomes = [line.split() for line in done.stderr.splitlines() if len(line.split()) == 2 and len(line) < 20]
    for query, (state, rows) in zip(statements, outcomes, strict=True):
        ends = {"error": [state, None]} if state != "00000" else {"count": int(rows)}
        log.append({"query": query + ";", **ends})


def extended(log: Log, work: Path) -> None:
    """Statements with values, of which psycopg sends the values apart; transactions; several statements at once."""
    talk = connect(log)
    for query, parameters in (
        ("CREATE TABLE orders (id serial PRIMARY KEY, item text, amount int CHECK (amount > 0))", None),
        ("INSERT INTO orders (item, amount) VALUES (%s, 2)", ("tea",)),
        ("INSERT INTO orders (item, amount) VALUES (%s, -1)", ("air",)),
        ("SELECT * FROM orders WHERE item = %s", ("tea",)),
        ("SELECT item FROM orders WHERE id = %s", (10**12,)),
        ("SELECT %s::int + 1", ("no number",)),
        ("BEGIN", None),
        ("UPDATE orders SET amount = amount + 1 WHERE item = %s", ("tea",)),
        ("SELECT broken FROM orders", None),
        ("SELECT 1", None),
        ("ROLLBACK", None),
        ("BEGIN; INSERT INTO orders (item, amount) VALUES ('milk', 1), ('salt', 2); COMMIT", None),
        ("", None),
    ):
        execute(log, talk, query, parameters)
    log[-2]["tag"] = "BEGIN; INSERT 0 2; COMMIT"
    talk.close()


def prepared(log: Log, work: Path) -> None:
    """Statements that are prepared under a name and executed again and again, with psycopg and with asyncpg."""
    talk = connect(log)
    for number in range(4):
        execute(log, talk, "SELECT %s::int * 2 AS doubled", (number,), prepare=True)
    execute(log, talk, "SELECT %s::int FROM nowhere", (1,), prepare=True)
    talk.close()
    asyncio.run(_asyncpg(log))


async def _asyncpg(log: Log) -> None:
    import asyncpg

    where = {**WHERE, "database": WHERE["dbname"]}
    del where["dbname"]
    talk = await asyncpg.connect(**where, ssl=False, server_settings={"application_name": "asyncpg"})
    process = talk.get_server_pid()
    log.append({"login": "app", "database": "shop", "process": process})

    async def fetch(query: str, *values: Any) -> None:
        call: dict[str, Any] = {"process": process, "query": query}
        log.append(call)
        try:
            call["rows"] = len(await talk.fetch(query, *values))
        except asyncpg.PostgresError as error:
            call["error"] = [error.sqlstate, error.message]

    await fetch("SELECT datname FROM pg_database WHERE datname = $1", "shop")
    await fetch("SELECT broken FROM pg_database WHERE datname = $1", "shop")
    await fetch("SELECT n FROM generate_series(1, $1::int) AS n", 5)
    await fetch("SELECT n FROM generate_series(1, $1::int) AS n", 50)
    await fetch("SELECT oid FROM pg_class WHERE oid < $1::int4", 2000)
    await fetch("SELECT 1 / $1::int", 0)
    statement = await talk.prepare("SELECT $1::text AS never_executed")
    log.append({"process": process, "prepared_only": statement.get_query()})
    await talk.close()


def pipeline(log: Log, work: Path) -> None:
    """Many statements without waiting for answers; one fails, and what is behind it is passed over."""
    import psycopg

    talk = connect(log)
    process = talk.info.backend_pid
    execute(log, talk, "CREATE TABLE numbers (n int PRIMARY KEY)")
    with talk.pipeline():
        cursors = [talk.execute("INSERT INTO numbers VALUES (%s)", (number,)) for number in range(10)]
        cursors.append(talk.execute("SELECT * FROM numbers WHERE n < %s", (4,)))
    for cursor in cursors[:-1]:
        call = {"process": process, "query": "INSERT INTO numbers VALUES ($1)", "tag": cursor.statusmessage, "rows": 0}
        log.append(call)
    log.append(
        {"process": process, "query": "SELECT * FROM numbers WHERE n < $1", "tag": cursors[-1].statusmessage, "rows": 4}
    )
    with suppress(psycopg.Error), talk.pipeline() as pipe:
        cursors = [talk.execute("INSERT INTO numbers VALUES (%s)", (number,)) for number in (20, 3, 21, 22)]
        pipe.sync()
    failure = ["23505", 'duplicate key value violates unique constraint "numbers_pkey"']
    for ends in ({"tag": "INSERT 0 1", "rows": 0}, {"error": failure}, {"aborted": True}, {"aborted": True}):
        log.append({"process": process, "query": "INSERT INTO numbers VALUES ($1)", **ends})
    talk.close()


def copying(log: Log, work: Path) -> None:
    """COPY in both directions; one that the server refuses, one that the client breaks off."""
    import psycopg

    talk = connect(log)
    process = talk.info.backend_pid
    execute(log, talk, "CREATE TABLE people (id int, name text)")
    for text, rows, ends in (
        ("COPY people FROM STDIN", [(1, "Ada"), (2, "Grace"), (3, None)] * 20, {"tag": "COPY 60", "copied": 60}),
        ("COPY people (id) FROM STDIN (FORMAT text)", [("x",)], {"error": ["22P02", None]}),
    ):
        log.append({"process": process, "query": text, **ends})
        with suppress(psycopg.Error), talk.cursor().copy(text) as copy:
            for row in rows:
                copy.write_row(row)
    log.append({"process": process, "query": "COPY people FROM STDIN", "error": ["57014", None]})
    with suppress(psycopg.Error, ZeroDivisionError), talk.cursor().copy("COPY people FROM STDIN") as copy:
        copy.write_row((4, "Alan"))
        raise ZeroDivisionError
    text = "COPY (SELECT * FROM people ORDER BY id) TO STDOUT"
    with talk.cursor().copy(text) as copy:
        data = b"".join(copy)
    log.append({"process": process, "query": text, "tag": "COPY 60", "copied": 60, "copied_bytes": len(data)})
    talk.close()


def sessions(log: Log, work: Path) -> None:
    """Logins by several methods, some refused; encryption refused; a query that is cancelled; a session shut down."""
    import psycopg

    connect(log).close()
    connect(log, user="old", password="md5 here").close()
    connect(log, user="guest", password=None).close()
    connect(log, password="wrong")
    connect(log, dbname="nowhere")
    connect(log, user="nobody")
    connect(log, sslmode="prefer").close()
    log[-1]["encryption_refused"] = True
    talk = connect(log)
    timer = threading.Timer(0.3, talk.cancel)
    timer.start()
    process = talk.info.backend_pid
    execute(log, talk, "SELECT pg_sleep(20)")
    timer.join()
    log.append({"cancels": process})
    other = connect(log, user="postgres", password="master")
    execute(log, other, f"SELECT pg_terminate_backend({process})")
    time.sleep(0.2)
    with suppress(psycopg.Error):
        talk.execute("SELECT 'too late'")
    log.append({"process": process, "shut_down": "57P01"})
    other.close()


def notifications(log: Log, work: Path) -> None:
    """LISTEN and NOTIFY between two sessions; notices in answers."""
    listener, speaker = connect(log), connect(log)
    execute(log, listener, "LISTEN jobs")
    execute(log, speaker, "SELECT pg_notify('jobs', 'job ' || n) FROM generate_series(1, 3) AS n")
    execute(log, speaker, "NOTIFY jobs, 'the last'")
    heard = [note for note, _ in zip(listener.notifies(timeout=5), range(4), strict=False)]
    log += [{"process": listener.info.backend_pid, "channel": note.channel, "payload": note.payload} for note in heard]
    execute(log, speaker, "DO $$ BEGIN RAISE WARNING 'be careful'; END $$")
    log[-1]["notice"] = "be careful"
    for talk in (listener, speaker):
        talk.close()


def cursors(log: Log, work: Path) -> None:
    """A cursor of the server, read in parts; large values; statements longer than a packet."""
    talk = connect(log)
    execute(log, talk, "BEGIN")
    execute(log, talk, "DECLARE part CURSOR FOR SELECT generate_series(1, 25)")
    for _ in range(3):
        execute(log, talk, "FETCH FORWARD 10 FROM part")
    execute(log, talk, "COMMIT")
    execute(log, talk, "SELECT repeat('x', 6000)")
    execute(log, talk, "SELECT '" + "y" * 4000 + "' AS long")
    talk.close()


def encrypted(log: Log, work: Path) -> None:
    """A session that the server lets encrypt: what follows cannot be read here."""
    connect(log, sslmode="require").close()
    log[:] = [{"encryption_accepted": True}, {"sessions": 1}]


def replication(log: Log, work: Path) -> None:
    """A logical replication stream: data is copied in both directions until the client has enough."""
    where = f"host=127.0.0.1 port={PORT} dbname=shop user=postgres password=master sslmode=disable"
    receive = ("pg_recvlogical", "-d", where, "--slot", "recorder", "--no-loop")
    subprocess.run((*receive, "--create-slot", "--plugin", "test_decoding"), check=True, timeout=30)
    log.append({"starts_with": "CREATE_REPLICATION_SLOT"})
    talk = connect(log, user="postgres", password="master")
    execute(log, talk, "CREATE TABLE followed (id int)")
    execute(log, talk, "INSERT INTO followed SELECT generate_series(1, 20)")
    end = execute(log, talk, "SELECT 1").connection.execute("SELECT pg_current_wal_lsn()").fetchone()[0]
    log.append({"process": talk.info.backend_pid, "query": "SELECT pg_current_wal_lsn()", "tag": "SELECT 1", "rows": 1})
    talk.close()
    with (work / "changes").open("wb") as file:
        subprocess.run((*receive, "--start", "--endpos", end, "-f", "-"), stdout=file, check=True, timeout=30)
    settle(work / "changes")
    lines = len((work / "changes").read_bytes().splitlines())
    log.append({"starts_with": "START_REPLICATION", "changes": lines})


CASES: tuple[Callable[[Log, Path], None], ...] = (
    psql,
    extended,
    prepared,
    pipeline,
    copying,
    sessions,
    notifications,
    cursors,
    replication,
    encrypted,
)


@contextmanager
def postgresql(work: Path, *options: str) -> Iterator[None]:
    """Run a server with a database and users for each method of authentication."""
    data = work / "data"
    settings = [item for option in ("wal_level=logical", "fsync=off", *options) for item in ("-c", option)]
    command = (*AS_POSTGRES, str(PROGRAMS / "postgres"), "-D", str(data), "-p", str(PORT), "-k", str(work))
    with server(*command, "-c", "listen_addresses=127.0.0.1", *settings, port=PORT):
        yield


def prepare(work: Path) -> None:
    """Make the server's files."""
    data = work / "data"
    subprocess.run(("chown", "postgres", str(work)), check=True)
    make = (*AS_POSTGRES, str(PROGRAMS / "initdb"), "-D", str(data), "-A", "trust", "--no-locale", "-E", "UTF8")
    subprocess.run(make, check=True, capture_output=True)
    name = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    subprocess.run((*AS_POSTGRES, *name, "-keyout", f"{data}/server.key", "-out", f"{data}/server.crt"), check=True)
    (data / "server.key").chmod(0o600)
    users = """
        CREATE DATABASE shop;
        ALTER USER postgres PASSWORD 'master';
        CREATE USER app PASSWORD 'open sesame';
        CREATE USER guest;
        SET password_encryption = md5;
        CREATE USER old PASSWORD 'md5 here';
        \\c shop
        GRANT ALL ON SCHEMA public TO app;
    """
    with postgresql(work):
        subprocess.run(("psql", "-X", "-h", str(work), "-U", "postgres"), input=users.encode(), check=True)
    rules = ("local all all trust", "host all guest 127.0.0.1/32 trust", "host all old 127.0.0.1/32 md5")
    rest = ("host replication all 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256")
    (data / "pg_hba.conf").write_text("\n".join((*rules, *rest)) + "\n")


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/postgresql`."""
    folder = out / "postgresql"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(work)
    for case in CASES:
        log: Log = []
        options = ("ssl=on",) if case is encrypted else ()
        with postgresql(work, *options), capture(folder / f"{case.__name__}.pcap", f"tcp port {PORT}"):
            case(log, work)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
