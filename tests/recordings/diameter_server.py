"""A Diameter server of python-diameter: credit control, and the subscriber server of a mobile network.

Run as `python diameter_server.py PORT`. Session-Id says what shall happen: `gone` is unknown, `broke` has no credit,
`silent` gets no answer, `ask` makes the server ask for re-authorization once.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from diameter.message import Avp, Message
from diameter.message.commands import ReAuthRequest
from diameter.node import Node
from diameter.node.application import Application, SimpleThreadingApplication

CREDIT_CONTROL, S6A, CX, SH = 4, 16777251, 16777216, 16777217
VENDOR = 10415


def charge(app: Application, request: Message) -> Message | None:
    """Grant credit, or say why not."""
    session: str = request.session_id
    if "silent" in session:
        return None
    result = 5002 if "gone" in session else 4012 if "broke" in session else 2001
    answer: Any = app.generate_answer(request, result, "no such session" if result == 5002 else None)
    answer.cc_request_type, answer.cc_request_number = request.cc_request_type, request.cc_request_number
    if result == 2001:
        answer.append_avp(Avp.new(431, value=[Avp.new(421, value=1_000_000)]))
        answer.append_avp(Avp.new(448, value=3600))
    if "ask" in session:
        threading.Timer(0.2, ask, (app, request)).start()
    return answer  # type: ignore[no-any-return]


def ask(app: Application, before: Message) -> None:
    """Ask the client to have its session authorized again."""
    request: Any = ReAuthRequest()
    request.header.application_id = CREDIT_CONTROL
    request.session_id, request.auth_application_id, request.re_auth_request_type = before.session_id, 4, 0
    request.origin_host, request.origin_realm = app.node.origin_host.encode(), app.node.realm_name.encode()
    request.destination_host, request.destination_realm = before.origin_host, before.origin_realm
    app.send_request(request)


def subscribers(app: Application, request: Message) -> Message:
    """Answer what an MME, a call session control function or an application server asks."""
    answer: Any = app.generate_answer(request)
    user = "".join(str(avp.value) for avp in request.avps if avp.code in (1, 601))
    experimental = {"barred": 5004, "nowhere": 5420, "stranger": 5001, "first": 2001}
    code = next((number for word, number in experimental.items() if word in user), 0)
    kept = [avp for avp in answer.avps if avp.code != 268]
    if code:
        outcome = [Avp.new(297, value=[Avp.new(266, value=VENDOR), Avp.new(298, value=code)])]
    else:
        outcome = [Avp.new(268, value=2001)]
        if request.header.command_code == 318:
            vector = [Avp.new(number, VENDOR, value=bytes(16)) for number in (1447, 1448, 1449, 1450)]
            outcome.append(Avp.new(1413, VENDOR, value=[Avp.new(1414, VENDOR, value=vector)]))
    plain = Message(answer.header, [*kept, *outcome])
    plain.header.is_request = False
    return plain


def main() -> None:
    """Serve until killed."""
    node = Node("server.example.net", "example.net", ip_addresses=["127.0.0.1"], tcp_port=int(sys.argv[1]))
    node.vendor_ids = {VENDOR}
    peer = node.add_peer("aaa://client.example.net", "example.net")
    handlers: list[tuple[int, Callable[[Application, Message], Message | None]]] = [
        (CREDIT_CONTROL, charge), (S6A, subscribers), (CX, subscribers), (SH, subscribers),
    ]  # fmt: skip
    for number, handler in handlers:
        app = SimpleThreadingApplication(number, is_auth_application=True, request_handler=handler)
        node.add_application(app, [peer])
    node.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
