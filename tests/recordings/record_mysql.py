"""The MySQL recordings: mariadb-server on loopback, with pymysql and the mariadb program as clients.

Needs the package `pymysql`. A call of the log is one command, as its client tells it: `command`, `query`, then `rows`,
`affected`, `warnings`, or `error` (number, SQLSTATE, message).
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loopback import capture, server

PORT = 3306
Log = list[dict[str, Any]]
USER = {"host": "127.0.0.1", "port": PORT, "user": "app", "password": "open sesame"}


def connect(log: Log, **options: Any) -> Any:
    """Log in with pymysql, which sets the character set and autocommit by statements that the log holds too."""
    import pymysql

    where = {**USER, "database": "shop", "autocommit": None, **options}
    call: dict[str, Any] = {"command": "HandshakeResponse", "user": where["user"], "database": where["database"] or ""}
    log.append(call)
    try:
        connection = pymysql.connect(**where)
    except pymysql.MySQLError as error:
        call["error"] = list(error.args)
        return None
    call["connection"] = connection.thread_id()
    log.append({"command": "COM_QUERY", "query": "SET NAMES utf8mb4", "connection": call["connection"], "rows": 0})
    return connection


def execute(log: Log, connection: Any, query: str) -> None:
    """Execute a statement, and log what came of each of its results."""
    import pymysql

    call: dict[str, Any] = {"command": "COM_QUERY", "query": query, "connection": connection.thread_id()}
    log.append(call)
    cursor = connection.cursor()
    try:
        cursor.execute(query)
        rows, affected, results = 0, 0, 0
        while True:
            results += 1
            if cursor.description is None:
                affected += cursor.rowcount
            else:
                rows += len(cursor.fetchall())
            if not cursor.nextset():
                break
        call |= {"rows": rows, "affected": affected, "results": results}
        if cursor.lastrowid:
            call["insert_id"] = cursor.lastrowid
    except pymysql.MySQLError as error:
        call["error"] = list(error.args)


class Prepared:
    """Prepared statements, spoken over a connection of pymysql: it has none of its own."""

    def __init__(self, log: Log, connection: Any) -> None:
        self.log, self.connection, self.number = log, connection, connection.thread_id()

    def prepare(self, query: str) -> int:
        """Prepare a statement and give its number; 0 when the server refuses."""
        import pymysql

        call: dict[str, Any] = {"command": "COM_STMT_PREPARE", "query": query, "connection": self.number}
        self.log.append(call)
        self.connection._execute_command(0x16, query)
        try:
            head = self.connection._read_packet()._data
        except pymysql.MySQLError as error:
            call["error"] = list(error.args)
            return 0
        statement, columns, parameters = struct.unpack_from("<IHH", head, 1)
        for count in (parameters, columns):
            for _ in range(count + 1 if count else 0):
                self.connection._read_packet()
        call |= {"statement": statement, "columns": columns, "parameters": parameters}
        return statement

    def execute(self, statement: int, query: str, *values: int) -> None:
        """Execute a statement with numbers as values, and read its rows in the binary form."""
        import pymysql

        call: dict[str, Any] = {"command": "COM_STMT_EXECUTE", "query": query, "statement": statement}
        self.log.append({**call, "connection": self.number})
        call = self.log[-1]
        body = struct.pack("<IBI", statement, 0, 1)
        if values:
            body += bytes((len(values) + 7) // 8) + b"\x01" + b"\x08\0" * len(values)
            body += b"".join(struct.pack("<q", value) for value in values)
        self.connection._execute_command(0x17, body)
        try:
            head = self.connection._read_packet()
            if head.is_ok_packet():
                call |= {"rows": 0, "affected": head._data[1]}
                return
            for _ in range(head._data[0] + 1):
                self.connection._read_packet()
            rows = 0
            while not self.connection._read_packet().is_eof_packet():
                rows += 1
            call |= {"rows": rows, "affected": 0}
        except pymysql.MySQLError as error:
            call["error"] = list(error.args)

    def close(self, statement: int) -> None:
        """Close a statement; the server does not answer."""
        self.log.append({"command": "COM_STMT_CLOSE", "statement": statement, "connection": self.number})
        self.connection._execute_command(0x19, struct.pack("<I", statement))


def queries(log: Log, work: Path) -> None:
    """Statements of every kind, some refused; a transaction; values that need long lengths."""
    talk = connect(log)
    for query in (
        "CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, item varchar(40), amount int)",
        "INSERT INTO orders (item, amount) VALUES ('tea', 2), ('milk', 1), (NULL, 0)",
        "SELECT * FROM orders ORDER BY id",
        "SELECT item FROM orders WHERE id = 99",
        "UPDATE orders SET amount = amount + 1 WHERE amount > 0",
        "SELECT * FROM nowhere",
        "SELEKT 1",
        "INSERT INTO orders (id) VALUES (1)",
        "START TRANSACTION",
        "DELETE FROM orders WHERE id = 3",
        "ROLLBACK",
        "SELECT REPEAT('x', 5000) AS wide, REPEAT('y', 300) AS less",
        "SELECT seq FROM seq_1_to_500",
        "/* who asks */ SELECT CURRENT_USER()",
        "SELECT '" + "z" * 3000 + "'",
    ):
        execute(log, talk, query)
    talk.ping(reconnect=False)
    log.append({"command": "COM_PING", "connection": talk.thread_id()})
    talk.select_db("other")
    log.append({"command": "COM_INIT_DB", "database": "other", "connection": talk.thread_id()})
    execute(log, talk, "SELECT DATABASE()")
    log[-1]["database"] = "other"
    with suppress(Exception):
        talk.select_db("missing")
    log.append(
        {"command": "COM_INIT_DB", "connection": talk.thread_id(), "error": [1049, "Unknown database 'missing'"]}
    )
    talk.close()
    log.append({"command": "COM_QUIT"})


def several_results(log: Log, work: Path) -> None:
    """Several statements at once, a procedure with several results, a failure behind the first of them."""
    import pymysql

    talk = connect(log, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
    for query in (
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2), (3); SELECT * FROM t; DELETE FROM t WHERE a = 2",
        "CREATE PROCEDURE both_of() BEGIN SELECT 1; SELECT a, a FROM t; END",
        "CALL both_of()",
        "SELECT 1; SELECT * FROM nowhere; SELECT 2",
    ):
        execute(log, talk, query)
    talk.close()
    log.append({"command": "COM_QUIT"})


def prepared(log: Log, work: Path) -> None:
    """Statements prepared, executed with different values, refused, and closed."""
    talk = connect(log)
    execute(log, talk, "CREATE TABLE p (a bigint, b bigint)")
    statements = Prepared(log, talk)
    insert = statements.prepare("INSERT INTO p VALUES (?, ?)")
    for number in range(3):
        statements.execute(insert, "INSERT INTO p VALUES (?, ?)", number, number * number)
    select = statements.prepare("SELECT a, b FROM p WHERE a < ?")
    statements.execute(select, "SELECT a, b FROM p WHERE a < ?", 2)
    statements.execute(select, "SELECT a, b FROM p WHERE a < ?", 0)
    statements.close(insert)
    statements.prepare("SELECT * FROM nowhere WHERE x = ?")
    plain = statements.prepare("DELETE FROM p")
    statements.execute(plain, "DELETE FROM p")
    statements.execute(4711, "")
    log[-1] |= {"unknown": True}
    statements.close(plain)
    talk.close()
    log.append({"command": "COM_QUIT"})


def small_commands(log: Log, work: Path) -> None:
    """Commands that are no statements: a list of fields, statistics, options, a session begun anew."""
    talk = connect(log)
    execute(log, talk, "CREATE TABLE s (one int, two int, three int)")
    for code, name, body in ((0x04, "COM_FIELD_LIST", b"s\0"), (0x1B, "COM_SET_OPTION", b"\0\0")):
        talk._execute_command(code, body)
        log.append({"command": name, "connection": talk.thread_id()})
        packets = 1
        while not talk._read_packet().is_eof_packet():
            packets += 1
        log[-1]["columns"] = packets - 1
    for code, name in ((0x09, "COM_STATISTICS"), (0x1F, "COM_RESET_CONNECTION")):
        talk._execute_command(code, b"")
        talk._read_packet()
        log.append({"command": name, "connection": talk.thread_id()})
    talk.close()
    log.append({"command": "COM_QUIT"})


def local_file(log: Log, work: Path) -> None:
    """LOAD DATA LOCAL: the server asks for a file, the client sends it, or has none."""
    path = work / "rows.csv"
    path.write_text("".join(f"{number},item {number}\n" for number in range(200)))
    talk = connect(log, local_infile=True)
    execute(log, talk, "CREATE TABLE f (a int, b varchar(20))")
    load = "LOAD DATA LOCAL INFILE '{}' INTO TABLE f FIELDS TERMINATED BY ','"
    execute(log, talk, load.format(path))
    log[-1] |= {"file": str(path), "bytes": path.stat().st_size}
    execute(log, talk, "SELECT COUNT(*) FROM f")
    talk.close()
    log.append({"command": "COM_QUIT"})


def logins(log: Log, work: Path) -> None:
    """Logins that are granted and refused, and a client that says nothing."""
    import socket

    for options in (
        {},
        {"database": None},
        {"password": "wrong"},
        {"user": "nobody"},
        {"database": "missing"},
    ):
        talk = connect(log, **options)
        if talk is not None:
            talk.close()
            log.append({"command": "COM_QUIT"})
    with socket.create_connection(("127.0.0.1", PORT)) as silent:
        greeting = silent.recv(200)
    log.append({"command": "Handshake", "version": greeting[5:].partition(b"\0")[0].decode()})


def program(log: Log, *options: str, statements: tuple[str, ...], commands: str = "") -> None:
    """Run the mariadb program over statements; what it says of each goes into the log."""
    login = ("mariadb", "--no-defaults", "-h127.0.0.1", f"-P{PORT}", "-uapp", "-popen sesame", *options)
    text = "".join(f"{statement};\n" for statement in statements)
    done = subprocess.run(
        (*login, "--force", "-vvv", "-t"),
        input=text + commands,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    failures = iter(re.findall(r"ERROR (\d+) \((\w+)\) at line \d+: (.*)", done.stderr))
    blocks = re.split(r"^-{14}\n", done.stdout, flags=re.M)[1:]
    said = dict.fromkeys(range(len(statements)), "")
    for index, block in enumerate(blocks[1::2]):
        said[index] = block
    for index, statement in enumerate(statements):
        call: dict[str, Any] = {"command": "COM_QUERY", "query": statement}
        if found := re.search(r"^(\d+) rows? in set", said[index], re.M):
            call["rows"] = int(found[1])
        elif found := re.search(r"^Query OK, (\d+) rows? affected", said[index], re.M):
            call["affected"] = int(found[1])
        elif "Empty set" in said[index]:
            call["rows"] = 0
        else:
            number, state, message = next(failures)
            call["error"] = [int(number), state, message]
        log.append(call)


def compressed(log: Log, work: Path) -> None:
    """A session whose packets are compressed, small and large ones."""
    statements = (
        "SELECT 1",
        "SELECT REPEAT('a long text ', 400) AS words",
        "CREATE TABLE c (a int)",
        "INSERT INTO c SELECT seq FROM seq_1_to_1000",
        "SELECT * FROM c",
        "SELECT * FROM nowhere",
        "SELECT '" + "q" * 2000 + "' AS long_one",
    )
    program(log, "--compress", "--skip-ssl", "shop", statements=statements)


def real_client(log: Log, work: Path) -> None:
    """The mariadb program."""
    statements = ("SHOW TABLES", "SELECT DATABASE()", "SELECT * FROM nowhere", "SHOW WARNINGS", "DO 1")
    program(log, "--skip-ssl", "shop", statements=statements)


def encrypted(log: Log, work: Path) -> None:
    """A session that goes on encrypted behind the greeting: the login cannot be read here."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connect([], ssl=context).close()
    log += [{"command": "SSLRequest"}, {"sessions": 1}]


CASES: tuple[Callable[[Log, Path], None], ...] = (
    queries,
    several_results,
    prepared,
    small_commands,
    local_file,
    logins,
    compressed,
    real_client,
    encrypted,
)


@contextmanager
def mariadb(work: Path, *options: str) -> Iterator[None]:
    """Run a server over the files in `work`."""
    files = (f"--datadir={work}/data", f"--socket={work}/socket", f"--pid-file={work}/pid")
    names = ("--no-defaults", "--user=mysql", "--skip-name-resolve", "--local-infile=1", "--bind-address=127.0.0.1")
    with server("mariadbd", *names, *files, f"--port={PORT}", "--innodb-buffer-pool-size=16M", *options, port=PORT):
        yield


def prepare(work: Path) -> None:
    """Make the server's files, its users and its key."""
    subprocess.run(("chown", "mysql", str(work)), check=True)
    make = ("mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={work}/data", "--skip-test-db")
    subprocess.run((*make, "--auth-root-authentication-method=normal"), check=True, capture_output=True)
    name = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    subprocess.run((*name, "-keyout", f"{work}/key.pem", "-out", f"{work}/cert.pem"), check=True, capture_output=True)
    (work / "key.pem").chmod(0o644)
    users = """
        CREATE DATABASE shop; CREATE DATABASE other;
        CREATE USER app@'%' IDENTIFIED BY 'open sesame'; GRANT ALL ON *.* TO app@'%';
    """
    with mariadb(work):
        subprocess.run(("mariadb", "--no-defaults", f"--socket={work}/socket"), input=users.encode(), check=True)


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/mysql`."""
    folder = out / "mysql"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(work)
    for case in CASES:
        log: Log = []
        options = (f"--ssl-cert={work}/cert.pem", f"--ssl-key={work}/key.pem") if case is encrypted else ()
        with mariadb(work, *options), capture(folder / f"{case.__name__}.pcap", f"tcp port {PORT}"):
            case(log, work)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
