"""What a service does to answer a call: steps, each a JSON object with `do`, carried out one after the other.

`evals/lab/steps.py` makes them and says what each means. A step that fails ends the call with the status of its
`otherwise`; `otherwise: 0` means that the call goes on without it.
"""

from __future__ import annotations

import hashlib
import json
import queue
import random
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from clients import WORK, CallLog, HttpClient, PostgresClient, RedisClient, RedisError
from rare_steps import RareSteps, filled, number_of
from service import Call, EndedError, Reply

Step = dict[str, Any]


class Pool:
    """Clients of one server: at most `size` at work at once; who waits longer than `wait` seconds goes without."""

    def __init__(self, make: Callable[[], Any], size: int, wait: float) -> None:
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        self._make, self.wait, self._left = make, wait, size
        self._lock = threading.Lock()

    def take(self) -> Any:
        """Return a client; TimeoutError when none becomes free in time."""
        try:
            return self._free.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._left > 0:
                self._left -= 1
                return self._make()
        try:
            return self._free.get(timeout=self.wait)
        except queue.Empty:
            raise TimeoutError("no free connection") from None

    def give(self, client: Any) -> None:
        """Give a client back."""
        self._free.put(client)


class Worker(RareSteps):
    """Carries out the steps of one service."""

    def __init__(self, log: CallLog, agent: str) -> None:
        self.log, self.agent = log, agent
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()
        self._chance = random.Random(5)

    def run(self, steps: list[Step], call: Call) -> Reply:
        """Carry out the steps; the reply is 200 with a small body unless a step says otherwise."""
        told: dict[str, Any] = {"status": 200, "bytes": 60, "headers": {}}
        try:
            for step in steps:
                for _ in range(step.get("times", 1)):
                    self._do(step, call, told)
        except EndedError as ended:
            return ended.reply
        return Reply(told["status"], self._body(call, told["bytes"]), told["headers"])

    def _do(self, step: Step, call: Call, told: dict[str, Any]) -> None:
        if self._chance.random() >= step.get("share", 1.0):
            return
        try:
            getattr(self, f"_{step['do']}")(step, call, told)
        except EndedError:
            raise
        except (OSError, RuntimeError, RedisError) as failure:
            status = step.get("otherwise", 502)
            if status:
                said = "busy" if isinstance(failure, TimeoutError) else "unavailable"
                raise EndedError(Reply(status, {"error": said})) from failure

    def _body(self, call: Call, size: int) -> dict[str, str]:
        letters = random.Random(call.path).choices("abcdefghijklmnopqrstuvwxyz ", k=min(4000, max(1, size)))
        text = "".join(letters) * (size // 4000 + 1)
        return {"of": call.path.rpartition("/")[2], "text": text[: max(0, size - 30)]}

    # -- steps -------------------------------------------------------------------------------------------------

    def _work(self, step: Step, _: Call, __: dict[str, Any]) -> None:
        time.sleep(step["seconds"] * self._chance.uniform(0.6, 1.4))

    def _answer(self, step: Step, _: Call, told: dict[str, Any]) -> None:
        told.update({key: value for key, value in step.items() if key in {"status", "bytes", "headers"}})
        if step.get("now"):
            raise EndedError(Reply(told["status"], step.get("body", {"status": told["status"]}), told["headers"]))

    def _guard(self, _: Step, call: Call, __: dict[str, Any]) -> None:
        if not call.token.startswith("Bearer "):
            raise EndedError(Reply(401, {"error": "sign in first"}, {"WWW-Authenticate": "Bearer"}))

    def _known(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        number = number_of(call)
        if number > step["up_to"]:
            raise EndedError(Reply(404, {"error": "no such thing"}))

    def _http(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        body = {"of": call.tail, "text": "x" * step["send"]} if step.get("send") else None
        for attempt in range(step.get("retries", 0) + 1):
            if attempt:
                time.sleep(step.get("backoff", 0.0))
            status = self._with_client(step, "http", lambda client: self._ask(client, step, call, body))
            if 0 < status < 500:
                break
        if status == 0 or status >= 500:
            raise RuntimeError(f"the answer was {status}")
        if status >= 400 and step.get("pass_on", True):
            raise EndedError(Reply(status, {"error": f"refused with {status}"}))

    def _ask(self, client: HttpClient, step: Step, call: Call, body: object) -> int:
        headers = {**call.onward(), **step.get("headers", {})}
        if step.get("token"):
            headers["Authorization"] = f"Bearer {step['token']}"
        status, content = client.call(step.get("method", "GET"), filled(step["path"], call), body, headers)
        if len(content) > step.get("at_most", len(content)):
            raise RuntimeError(f"the answer has {len(content)} bytes")
        return status

    def _sql(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        self._with_client(step, "sql", lambda client: client.query(filled(step["text"], call)))

    def _redis(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        command = tuple(filled(str(part), call) for part in step["command"])
        self._with_client(step, "redis", lambda client: client.call(*command))

    def _cached(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Cache-aside: ask the cache; on a miss or a failure do the inner step, then store its result."""
        key = filled(step["key"], call)
        try:
            found = self._with_client(step, "redis", lambda client: client.call("GET", key))
        except (OSError, RedisError):
            found = None
        if found is not None:
            return
        self._do(step["inner"], call, {})
        try:
            value = hashlib.sha256(key.encode()).hexdigest() * step.get("chunks", 4)
            self._with_client(step, "redis", lambda client: client.call("SET", key, value, "EX", step["expiry"]))
        except (OSError, RedisError):
            return

    def _grpc(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        trace = call.onward().get("traceparent", "")
        status = self._with_client(step, "grpc", lambda client: client.call(step["method"], call.tail, trace))
        if status:
            raise RuntimeError(f"gRPC status {status}")

    # -- clients -----------------------------------------------------------------------------------------------

    def _with_client(self, step: Step, kind: str, use: Callable[[Any], Any]) -> Any:
        pool = self._pool(step, kind)
        client = pool.take()
        try:
            return use(client)
        finally:
            pool.give(client)

    def _pool(self, step: Step, kind: str) -> Pool:
        name = json.dumps([kind, step["host"], step.get("port"), step.get("user"), step.get("password")])
        with self._lock:
            if name not in self._pools:
                make = getattr(self, f"_make_{kind}")
                self._pools[name] = Pool(lambda: make(step), step.get("pool", 16), step.get("wait", 5.0))
            return self._pools[name]

    def _make_http(self, step: Step) -> HttpClient:
        tls = None
        if step.get("tls"):
            tls = ssl.create_default_context(cafile=str(WORK / "authority.pem"))
            if newest := step.get("tls_at_most"):
                tls.maximum_version = ssl.TLSVersion[newest]
        return HttpClient(
            step["host"], step.get("port", 443 if tls else 80), self.log, self.agent, step.get("reuse", 20),
            step.get("timeout", 5.0), tls,
        )  # fmt: skip

    def _make_sql(self, step: Step) -> PostgresClient:
        return PostgresClient(
            step["host"], step.get("port", 5432), self.log, step.get("user", "app"), step.get("database", "app"),
            step.get("password", ""), step.get("reuse", 100_000), step.get("timeout", 10.0),
        )  # fmt: skip

    def _make_redis(self, step: Step) -> RedisClient:
        return RedisClient(step["host"], step.get("port", 6379), self.log, step.get("timeout", 5.0))

    def _make_grpc(self, step: Step) -> Any:
        from grpc_client import GrpcClient

        return GrpcClient(step["host"], step.get("port", 50051), self.log, step.get("deadline", 2.0), self.agent)
