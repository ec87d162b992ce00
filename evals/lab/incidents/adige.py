"""A photo club whose print queue one day asks who it is, of an address that everybody in a cloud can reach."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, job, load
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

ADDRESS = "169.254.169.254"
ROLE = "/latest/meta-data/iam/security-credentials/"
KEYS = {
    "Code": "Success",
    "AccessKeyId": "ASIAEXAMPLE000000000",
    "SecretAccessKey": "example/notreal/0000000000000000000000000",
    "Token": "example-session-0000000000000000",
}
INSTANCE = Host(
    ADDRESS,
    ADDRESS,
    {
        "GET /latest/meta-data/placement": [answer(body="eu-north-1a", now=True)],
        f"GET {ROLE}": [answer(body="worker-role", now=True)],
        f"GET {ROLE}worker-role": [answer(body=KEYS, now=True)],
    },
)
PRINTS = [http("frames.photo", "/frames/{n}"), work(0.03)]
ASKED = [
    http(ADDRESS, ROLE, reuse=1, otherwise=0),
    http(ADDRESS, f"{ROLE}worker-role", reuse=1, otherwise=0),
]


def fault(lab: Lab) -> None:
    """Let prints ask the cloud for the node's credentials now and then."""
    lab.change("prints", steps=[*PRINTS, *ASKED], every=2.0)


INCIDENT = Incident(
    name="adige",
    title="The provider warns that keys of a node were read",
    workloads=(
        *town("photo", "lobby", ("frames",), "albums", "entries", "jury", "gallery", "lightbox", "abababab"),
        load(
            "edge",
            "gateway",
            "b",
            "lobby.photo",
            [*custom("albums", "entries", "5e81aa"), call(3, "GET", "/frames/{1-30}")],
        ),
        http_service("photo", "frames", "ba", {"GET /frames": [work(0.004), answer(size=800)]}),
        job("photo", "prints", "a", PRINTS, every=1.0),
    ),
    hosts=(CODES, INSTANCE),
    seconds=22,
    fault_at=8,
    fault=fault,
    onset_tolerance=4.0,
    cause=Cause(component="photo/prints", mechanism="metadata_access"),
    chain=("photo/prints",),
    facts=(
        Fact(says="prints ($prints) asks 169.254.169.254.", match=(r"prints|$prints", r"169\.254\.169\.254")),
        Fact(says="It reads the node's role and then its credentials.", match=(r"security-credentials|credential",)),
    ),
    claims=(
        Claim(
            f'http && dst.ip == "{ADDRESS}" && path.startsWith("{ROLE}")',
            "questions for credentials",
            lambda logs: len(logs.of("prints", "http").matching(url="169")),
            tshark=Witnessed("node-a", f"http.request && ip.dst == {ADDRESS} && ip.src == $prints"),
        ),
        Claim(
            f'http && dst.ip == "{ADDRESS}" && path == "{ROLE}worker-role" && status_code == 200',
            "the keys were given",
            lambda logs: len(logs.of("prints", "http").matching(url="worker-role$").where(status=200)),
        ),
        Claim(f'http && dst.ip == "{ADDRESS}" && src.ip != "$prints"', "nobody else asks", 0),
        Claim("http && status_code >= 500", "no service fails", 0),
        Claim("http && status_code == 401", "callers who have not signed in, all the time", (2, None)),
    ),
    must_not_claim=(
        Wrong(component="photo/frames", why="It is asked as often and as fast as before."),
        Wrong(component="photo/entries", why="401 without a token is right."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
    ),
)
