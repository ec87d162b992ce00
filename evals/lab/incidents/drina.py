"""A school whose timetable program asks for strange names."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, ask_names, http, work
from evals.lab.truth import Cause, Fact, Wrong

UNDER = "m.fonts-edge.example.com"
PLANNING = [http("lessons.school", "/lessons/{n}"), work(0.02)]


def prepare(lab: Lab) -> None:
    """Let all names below the domain exist."""
    lab.set_name(f"*.{UNDER}", ["198.51.100.77"])


def fault(lab: Lab) -> None:
    """Let timetable ask for names that carry 110 bytes each, ten a second."""
    lab.change("timetable", steps=[*PLANNING, ask_names(UNDER, 110, times=5, otherwise=0)], every=0.5)


def asked(logs: Logs) -> Calls:
    """Return the questions for such names."""
    return logs.of("timetable", "lookup")


INCIDENT = Incident(
    name="drina",
    title="The resolver is asked more than usual; nobody complains",
    workloads=(
        *town("school", "yard", ("lessons",), "pupils", "marks", "bells", "register", "locker", "aabbabab"),
        load(
            "edge",
            "gateway",
            "a",
            "yard.school",
            [*custom("pupils", "marks", "90bd1f"), call(3, "GET", "/lessons/{1-30}")],
        ),
        http_service(
            "school",
            "lessons",
            "ba",
            {
                "GET /lessons": [
                    work(0.004),
                    http("codes.example.net", "/v1/days", share=0.3, reuse=1),
                    answer(size=600),
                ]
            },
        ),
        job("school", "timetable", "b", PLANNING, every=0.5),
        job(
            "school", "letters", "a", [http("post.example.org", "/mails", "POST", tls=True, send=60, reuse=1)], every=3
        ),
    ),
    hosts=(CODES, POST),
    seconds=22,
    fault_at=8,
    prepare=prepare,
    fault=fault,
    onset=asked,
    cause=Cause(component="school/timetable", mechanism="dns_tunnel"),
    chain=("school/timetable",),
    facts=(
        Fact(
            says="timetable ($timetable) asks for long names.",
            match=(r"timetable|$timetable", r"long|encod|base32|random|bytes|unique|distinct|different"),
        ),
        Fact(says="All of them lie below m.fonts-edge.example.com.", match=(r"fonts-edge\.example\.com",)),
    ),
    claims=(
        Claim(
            f'dns && src.ip == "$timetable" && dns_questions.exists(name, name.endsWith(".{UNDER}"))',
            "questions of timetable for names below one domain",
            lambda logs: len(asked(logs)),
            tshark=Witnessed("node-b", f'dns.flags.response == 0 && dns.qry.name contains "{UNDER}"', (100, None)),
        ),
        Claim(
            f'dns && src.ip != "$timetable" && dns_questions.exists(name, name.endsWith(".{UNDER}"))',
            "nobody else asks for them",
            0,
        ),
        Claim(
            'dns && dns_rcode == "NXDOMAIN"',
            "search domains, tried first",
            lambda logs: len(logs.of("dns").where(rcode=3)),
        ),
        Claim("http && status_code >= 500", "no service fails", 0),
    ),
    must_not_claim=(
        Wrong(component="kube-system/dns", why="It answers what it is asked, at once."),
        Wrong(component="school/lessons", why="Its names are tried with the search domains, as those of anybody."),
        Wrong(component="codes.example.net", why="A partner that is asked all the time."),
    ),
)
