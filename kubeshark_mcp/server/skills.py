"""Skills over MCP: every file a resource under `skill://`, and the Skills extension's `skills/list` and `skills/get`.

Source: SEP-2640, Skills Extension (`io.modelcontextprotocol/skills`), on base protocol 2026-07-28. Clients of earlier
protocols see the same files as ordinary resources.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import BinaryResource, Resource, TextResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CacheableResult, PaginatedRequestParams, RequestParams

from kubeshark_mcp.prompts import Skill, SkillFile

SCHEME = "skill://"
MAIN = "SKILL.md"
TTL_MS = 300_000
"""How long a client may keep an entry; skills change with the installed version alone."""
_VERSIONS = frozenset({"2026-07-28"})
_TYPES = {".md": "text/markdown", ".yaml": "application/yaml"}


class GetSkillParams(RequestParams):
    """What `skills/get` takes. uri: of a SKILL.md."""

    uri: str


class ListSkillsResult(CacheableResult):
    """What `skills/list` gives: an entry for each skill, all on one page."""

    skills: list[dict[str, Any]]


class GetSkillResult(CacheableResult):
    """What `skills/get` gives."""

    skill: dict[str, Any]


class SkillsExtension(Extension):
    """Serves skills, byte by byte as they are in their folders."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self, skills: Sequence[Skill]) -> None:
        self._skills = tuple(skills)
        self._entries = {uri_of(skill, MAIN): entry(skill) for skill in skills}

    def resources(self) -> list[ResourceBinding]:
        """Give every file of every skill as a resource."""
        return [ResourceBinding(_resource(skill, file)) for skill in self._skills for file in skill.files]

    def methods(self) -> list[MethodBinding]:
        """Give the two methods that the extension demands."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list, _VERSIONS),
            MethodBinding("skills/get", GetSkillParams, self._get, _VERSIONS),
        ]

    async def _list(self, context: ServerRequestContext[Any, Any], params: PaginatedRequestParams) -> ListSkillsResult:
        if params is not None and params.cursor:
            raise MCPError(code=INVALID_PARAMS, message="skills/list has one page here; leave the cursor out.")
        return ListSkillsResult(skills=list(self._entries.values()), ttl_ms=TTL_MS, cache_scope="public")

    async def _get(self, context: ServerRequestContext[Any, Any], params: GetSkillParams) -> GetSkillResult:
        found = self._entries.get(params.uri)
        if found is None:
            known = ", ".join(self._entries)
            raise MCPError(code=INVALID_PARAMS, message=f'There is no skill "{params.uri[:120]}". Skills: {known}.')
        return GetSkillResult(skill=found, ttl_ms=TTL_MS, cache_scope="public")


def uri_of(skill: Skill, path: str) -> str:
    """Give the URI of a file of a skill."""
    return f"{SCHEME}{skill.name}/{path}"


def entry(skill: Skill) -> dict[str, Any]:
    """Describe a skill as the extension does: its head, and all its files with digest and size."""
    return {
        "uri": uri_of(skill, MAIN),
        "frontmatter": dict(skill.frontmatter),
        "resources": [
            {"uri": uri_of(skill, file.path), "digest": file.digest, "size": len(file.data)} for file in skill.files
        ],
    }


def _resource(skill: Skill, file: SkillFile) -> Resource:
    suffix = f".{file.path.rpartition('.')[2]}"
    is_main = file.path == MAIN
    shown: dict[str, Any] = {
        "uri": uri_of(skill, file.path),
        "name": skill.name if is_main else f"{skill.name}/{file.path}",
        "description": skill.description if is_main else f"Part of the skill {skill.name}.",
        "mime_type": _TYPES.get(suffix, "text/plain"),
    }
    try:
        return TextResource(text=file.data.decode(), **shown)
    except UnicodeDecodeError:
        return BinaryResource(data=file.data, **{**shown, "mime_type": "application/octet-stream"})
