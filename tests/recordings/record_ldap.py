"""The LDAP recordings: slapd on loopback, asked by the tools of ldap-utils; what they say is the log."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import capture, server

PORT = 3890
BASE = "dc=example,dc=org"
ADMIN = f"cn=admin,{BASE}"
PASSWORD = "admin-secret"  # of a directory that lives for seconds
SCHEMA = Path("/etc/ldap/schema")
MODULES = Path("/usr/lib/ldap")
Log = list[dict[str, Any]]

TREE = f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,{BASE}
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace (Countess)
sn: Lovelace
mail: ada@example.org
userPassword: analytical

dn: uid=grace,ou=people,{BASE}
objectClass: inetOrgPerson
uid: grace
cn: Grace Hopper
sn: Hopper

dn: ou=elsewhere,{BASE}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://other.example.org/ou=elsewhere,{BASE}
"""


def configuration(work: Path) -> str:
    """Give slapd.conf with a directory in a file."""
    (work / "data").mkdir()
    schemas = "".join(f"include {SCHEMA}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    return (
        f"{schemas}modulepath {MODULES}\nmoduleload back_mdb\npidfile {work}/pid\n"
        f'database mdb\nsuffix "{BASE}"\nrootdn "{ADMIN}"\nrootpw {PASSWORD}\ndirectory {work}/data\nsizelimit 3\n'
    )


def run(log: Log, operation: str, *command: str, said: str = "", password: str = PASSWORD) -> None:
    """Run one tool, bound as the administrator, and log what it did.

    The result is what it says in parentheses, or its exit code.
    """
    bound = ("-x", "-H", f"ldap://127.0.0.1:{PORT}", "-D", ADMIN, "-w", password)
    done = subprocess.run(
        (command[0], *bound, *command[1:]), input=said, capture_output=True, text=True, timeout=20, check=False
    )
    told = {}
    if operation == "searchRequest":
        counted = dict(re.findall(r"# num(Entries|References): (\d+)", done.stdout))
        told = {"entries": int(counted.get("Entries", 0)), "references": int(counted.get("References", 0))}
    named = re.search(r"\((\d+)\)", done.stderr)
    result = int(named[1]) if named else done.returncode
    log.append({"operation": operation, "command": list(command), "result": result} | told)


def searches(log: Log) -> None:
    """Searches of each scope and kind of filter, with limits, pages, references and errors."""
    search = ("ldapsearch", "-o", "ldif-wrap=no", "-b")
    run(log, "searchRequest", *search, "", "-s", "base", "(objectClass=*)", "namingContexts")
    run(log, "searchRequest", *search, f"ou=people,{BASE}", "-s", "one", "(uid=*)", "cn", "mail")
    run(log, "searchRequest", *search, BASE, "-s", "sub", r"(&(cn=Ada*\28C*ess\29)(!(uid=grace))(|(sn>=A)(mail~=x)))")
    run(log, "searchRequest", *search, f"ou=people,{BASE}", "(cn:caseExactMatch:=Grace Hopper)", "1.1")
    run(log, "searchRequest", *search, BASE, "-z", "1", "(objectClass=*)")
    run(log, "searchRequest", *search, f"ou=nowhere,{BASE}", "(uid=ada)")
    run(log, "searchRequest", *search, BASE, "-M", "(ou=elsewhere)", "ref")


def changes(log: Log) -> None:
    """Add, modify, rename, compare and delete; some of them fail."""
    person = f"uid=alan,ou=people,{BASE}"
    added = f"dn: {person}\nobjectClass: inetOrgPerson\nuid: alan\ncn: Alan\nsn: Turing\nuserPassword: bombe\n"
    run(log, "addRequest", "ldapadd", said=added)
    run(log, "addRequest", "ldapadd", said=added)
    changed = f"dn: {person}\nchangetype: modify\nreplace: mail\nmail: alan@example.org\n-\nadd: title\ntitle: Dr\n"
    run(log, "modifyRequest", "ldapmodify", said=changed)
    run(log, "modifyRequest", "ldapmodify", said=changed.replace("title", "favourite"))
    run(log, "compareRequest", "ldapcompare", person, "sn:Turing")
    run(log, "compareRequest", "ldapcompare", person, "sn:Church")
    run(log, "modDNRequest", "ldapmodrdn", "-r", person, "uid=turing")
    run(log, "delRequest", "ldapdelete", person)
    run(log, "delRequest", "ldapdelete", f"uid=turing,ou=people,{BASE}")


def extensions(log: Log) -> None:
    """Who am I?, a changed password, an unknown operation, and a wrong password."""
    run(log, "extendedReq", "ldapwhoami")
    run(log, "extendedReq", "ldappasswd", "-s", "engine", f"uid=ada,ou=people,{BASE}")
    run(log, "extendedReq", "ldapexop", "1.2.3.4.5")
    run(log, "bindRequest", "ldapwhoami", password="wrong")  # it is to be wrong


CASES: tuple[Callable[[Log], None], ...] = (searches, changes, extensions)


def record(out: Path, work: Path) -> None:
    """Start slapd, fill its directory, and make one capture and one log of each case."""
    folder = out / "ldap"
    folder.mkdir(parents=True, exist_ok=True)
    (work / "slapd.conf").write_text(configuration(work))
    command = ("slapd", "-d", "0", "-f", str(work / "slapd.conf"), "-h", f"ldap://127.0.0.1:{PORT}")
    with server(*command, port=PORT):
        run([], "addRequest", "ldapadd", "-M", said=TREE)
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", "tcp", "port", str(PORT)):
                case(log)
            told = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
