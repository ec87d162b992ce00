"""A radio museum whose front page and its welcome send their visitors to each other."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, work
from evals.lab.truth import Cause, Fact, Wrong


def moved(path: str) -> list[dict[str, object]]:
    """Make the steps that send a caller elsewhere."""
    return [answer(302, body={"see": path}, headers={"Location": path}, now=True)]


def fault(lab: Lab) -> None:
    """Let exhibits send visitors of its list to the welcome page, which sends them to the list."""
    routes = {"GET /exhibits/list": moved("/welcome"), "GET /exhibits": [work(0.003), answer(size=500)]}
    lab.change("exhibits", routes=routes)


def circling(logs: Logs) -> Calls:
    """Return the redirects that the gateway met on the list."""
    return logs.of("gateway", "http").where(status=302).matching(url="/exhibits/list")


INCIDENT = Incident(
    name="oder",
    title="The museum's page does not open; browsers give up",
    workloads=(
        *town("sound", "porch", ("welcome", "exhibits"), "tunes", "tickets", "gong", "vault", "sill", "babababb"),
        load(
            "edge",
            "gateway",
            "b",
            "porch.sound",
            [*custom("tunes", "tickets", "71ccab"), call(2, "GET", "/welcome"), call(3, "GET", "/exhibits/{1-30}")],
            rate=9.0,
            follow=10,
        ),
        http_service("sound", "welcome", "b", {"GET /welcome": moved("/exhibits/list")}),
        http_service(
            "sound",
            "exhibits",
            "ab",
            {"GET /exhibits/list": [work(0.004), answer(size=1500)], "GET /exhibits": [work(0.003), answer(size=500)]},
        ),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=9,
    fault=fault,
    onset=circling,
    cause=Cause(component="sound/exhibits", mechanism="redirect_loop"),
    accept=(Cause(component="sound/welcome", mechanism="redirect_loop"),),
    chain=("sound/exhibits", "sound/welcome", "sound/porch", "edge/gateway"),
    facts=(
        Fact(
            says="/exhibits/list redirects to /welcome, which redirects back to it.",
            match=(r"/exhibits/list", r"/welcome", r"30[1278]|redirect"),
        ),
        Fact(says="The redirect of exhibits is new; that of welcome was there before.", match=(r"exhibits",)),
    ),
    claims=(
        Claim(
            'http && status_code == 302 && path == "/exhibits/list" && src.pod.name.startsWith("gateway-")',
            "redirects from the list back to the welcome page",
            lambda logs: len(circling(logs)),
            tshark=Witnessed(
                "node-b", 'http.response.code == 302 && ip.dst == $gateway && http.location == "/welcome"'
            ),
        ),
        Claim(
            'http && status_code == 302 && path == "/welcome" && src.pod.name.startsWith("gateway-")',
            "redirects from the welcome page, before and after",
            lambda logs: len(logs.of("gateway", "http").where(status=302).matching(url="/welcome")),
        ),
        Claim(
            'http && status_code == 200 && path == "/exhibits/list" && src.pod.name.startsWith("gateway-")',
            "lists that were shown, before",
            lambda logs: len(logs.of("gateway", "http").where(status=200).matching(url="/exhibits/list")),
        ),
        Claim("http && status_code >= 500", "nothing fails by a 5xx", 0),
        Claim("http && status_code == 404", "unknown tunes, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="edge/gateway", why="It follows what it is told; customers come as often as before."),
        Wrong(component="sound/porch", why="It passes on what it gets."),
        Wrong(component="sound/tunes", why="404 for unknown tunes are right."),
    ),
)
