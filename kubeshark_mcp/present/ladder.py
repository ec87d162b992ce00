"""One call through services, as a ladder: each call under the one that caused it, with its time and where it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubeshark_mcp.present.budget import fitting
from kubeshark_mcp.present.fencing import clean_line

_SURE = {
    "high": "they bear the same id",
    "medium": "they lie within each other in time, and nothing else could have caused them",
    "low": "by time alone, and several calls could have caused them",
}
_ENDPOINT = 90


def ladder_text(found: Mapping[str, Any], brief: bool = True) -> str:
    """Write a trace (the contract's shape as a mapping); brief: within the budget of tokens, the asked call kept."""
    hops = found["hops"]
    stems = _stems(hops)
    lines = [f"{stem}{_hop(hop)}" for stem, hop in zip(stems, hops, strict=True)]
    if brief:
        whole = lines
        lines = fitting(whole, "({} more calls: format=full)")
        lines += [line for line, hop in zip(whole, hops, strict=True) if hop["asked"] and line not in lines]
    return "\n".join(lines)


def ladder_head(found: Mapping[str, Any]) -> str:
    """Say how many calls belong together, how that is known, and where the time went."""
    hops = found["hops"]
    how = f"by {found['header']}" if found["header"] else _SURE[found["confidence"]]
    more = "; more are not shown" if found["cut"] else ""
    timed = [hop for hop in hops if hop["own_us"] is not None]
    longest = max(timed, key=lambda hop: hop["own_us"], default=None)
    most = "" if longest is None else f" Most time in {longest['server']} itself: {milliseconds(longest['own_us'])}."
    return f"{len(hops)} calls, {found['confidence']} confidence ({how}){more}.{most}"


def milliseconds(microseconds: int | None) -> str:
    """Write a length of time as milliseconds."""
    return "-" if microseconds is None else f"{microseconds / 1000:,.4g} ms"


def _stems(hops: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the branches of the tree before each call."""
    stems: list[str] = []
    open_below: set[int] = set()  # depths at which a later call follows
    for hop in reversed(hops):
        depth = hop["depth"]
        rails = "".join("│ " if level in open_below else "  " for level in range(1, depth))
        stems.append(rails + ("" if not depth else "├ " if depth in open_below else "└ "))
        open_below = {level for level in open_below if level <= depth} | {depth}
    return stems[::-1]


def _hop(hop: Mapping[str, Any]) -> str:
    mark = "!" if hop["failed"] or hop["elapsed_us"] is None else ""
    status = hop["status"] or ("no answer" if hop["elapsed_us"] is None else "answered")
    times = [milliseconds(hop["elapsed_us"])] if hop["elapsed_us"] is not None else []
    if hop["own_us"] is not None and hop["own_us"] != hop["elapsed_us"]:
        times.append(f"{milliseconds(hop['own_us'])} in {hop['server'].rpartition('/')[2]} itself")
    if hop["wire_us"] is not None:
        times.append(f"{milliseconds(hop['wire_us'])} on the network")
    asked = " <- asked" if hop["asked"] else ""
    return (
        f"+{hop['offset_us'] / 1000:,.1f} ms {hop['client']} -> {hop['server']} {hop['protocol']} "
        f"{clean_line(hop['endpoint'], _ENDPOINT)} {mark}{status}{': ' if times else ''}{', '.join(times)} "
        f"[{hop['handle'].rpartition('#')[2]}{'' if hop['by'] == 'time' else ' by id'}]{asked}"
    )
