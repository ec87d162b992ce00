"""A forwarded port: made when needed, made anew when it died, with what kubectl said when it fails."""

from __future__ import annotations

import os
import signal

import pytest
from cluster_fakes import Programs

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cluster import forward as module
from kubeshark_mcp.hub.cluster.forward import Forward


def forward_of(programs: Programs) -> Forward:
    return Forward([str(programs.folder / "kubectl"), "port-forward"], "service x")


async def test_the_port_is_the_one_that_kubectl_says_and_the_child_is_shared(programs: Programs):
    programs.kubectl_to(4567)
    forward = forward_of(programs)
    assert await forward.url() == "http://127.0.0.1:4567"
    assert await forward.url() == "http://127.0.0.1:4567"
    assert programs.calls("kubectl") == ["port-forward"]
    await forward.close()
    assert not forward.running


async def test_a_child_that_was_killed_is_started_anew(programs: Programs):
    programs.kubectl_to(4567)
    forward = forward_of(programs)
    await forward.url()
    child = forward._child
    assert child is not None
    os.killpg(child._process.pid, signal.SIGKILL)
    await child.wait()
    assert not forward.running
    assert await forward.url() == "http://127.0.0.1:4567"
    assert len(programs.calls("kubectl")) == 2
    await forward.close()


async def test_what_kubectl_says_is_passed_on(programs: Programs):
    programs.write("kubectl", 'echo "error: services kubeshark-front not found" >&2', "exit 1")
    with pytest.raises(HubError, match="cannot forward a port to service x: error: services kubeshark-front not found"):
        await forward_of(programs).url()


async def test_a_child_that_says_nothing_is_given_up(programs: Programs, monkeypatch):
    monkeypatch.setattr(module, "START_SECONDS", 0.1)
    programs.write("kubectl", "exec sleep 600")
    forward = forward_of(programs)
    with pytest.raises(HubError, match=r"did not forward a port to service x within 0.1 s"):
        await forward.url()
    assert not forward.running
