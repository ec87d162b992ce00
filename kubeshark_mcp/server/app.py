"""The server: the SDK's, with our tools, our argument checks and our words in every error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, GetPromptResult, InputRequiredResult, TextContent, ToolAnnotations
from mcp_types import Prompt as PromptDescription
from mcp_types import Tool as ToolDescription

from kubeshark_mcp import __version__
from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub.contract_remote import UnknownShapeError
from kubeshark_mcp.plugin import Answer, Hub, Presenter, Tool, ToolContext
from kubeshark_mcp.present.fencing import Fence, clean
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.tokens import rough_tokens
from kubeshark_mcp.prompts import find_skills
from kubeshark_mcp.registry import Registered, choose, find_toolsets
from kubeshark_mcp.server.arguments import Arguments
from kubeshark_mcp.server.completion import Completer
from kubeshark_mcp.server.confirm import Confirm, QuestionPending
from kubeshark_mcp.server.hub_tools import OwnTools
from kubeshark_mcp.server.instructions import instructions
from kubeshark_mcp.server.options import ServerOptions
from kubeshark_mcp.server.paths import FileRules
from kubeshark_mcp.server.prompts import Prompts
from kubeshark_mcp.server.resources import EntryResources
from kubeshark_mcp.server.skills import SkillsExtension

FACTS = "kubeshark/facts"
"""Key of an answer's small facts in `_meta`."""


class KubesharkServer(MCPServer[Any]):
    """Serves the chosen tools over one Hub."""

    def __init__(self, hub: Hub, tools: Mapping[str, Registered], options: ServerOptions) -> None:
        super().__init__(
            "kubeshark",
            title="Kubeshark",
            version=__version__,
            instructions=instructions(tools),
            log_level="WARNING",
            extensions=[SkillsExtension(find_skills())],
        )
        self._hub = hub
        self._tools = dict(tools)
        self._arguments: dict[str, Arguments] = {}
        self._clock = options.clock
        self._redactor = Redactor(options.key, options.redact)
        self._show = Presenter(options.clock, self._redactor, Fence(options.key), self._has)
        self._paths = FileRules(options.workspace, options.allow_paths)
        self._own = OwnTools(hub, options.selection, self._show)
        self._prompts = Prompts(hub, self._names, options.clock, self._redactor)
        EntryResources(hub, self._show).register(self)
        self.completion()(Completer(hub, self._redactor, self._clock).complete)  # type: ignore[no-untyped-call]

    @property
    def hub(self) -> Hub:
        """Give the Hub that answers."""
        return self._hub

    async def list_tools(self) -> list[ToolDescription]:
        """Describe the tools as a client sees them: ours that the Hub can answer, then its own."""
        await self._own.refresh()
        ours = [
            describe(registered.tool, self._arguments_of(name))
            for name, registered in self._tools.items()
            if not self._own.lacks(name)
        ]
        return [*ours, *self._own.describe()]

    async def list_prompts(self) -> list[PromptDescription]:
        """Describe the prompts as a client sees them."""
        return await self._prompts.describe()

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult:
        """Give a prompt with its arguments in it, for the tools that there are."""
        await self._own.refresh()
        return await self._prompts.get(name, arguments)

    def _has(self, name: str) -> bool:
        """Tell whether a tool may be named: it is ours and the Hub can answer it, or the Hub's own."""
        return (name in self._tools and not self._own.lacks(name)) or name in self._own.tools

    def _arguments_of(self, name: str) -> Arguments:
        """Give what a tool can be given; built when first asked for, because models cost start-up time."""
        if name not in self._arguments:
            self._arguments[name] = Arguments.of(self._tools[name].tool)
        return self._arguments[name]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool. Every failure is a ToolError whose text is a sentence; an unforeseen one also goes to the log."""
        if not self._has(name) or name not in self._tools:
            await self._own.refresh()
        if not self._has(name):
            raise ToolError(f'There is no tool "{name[:80]}" here. Tools: {", ".join(self._names())}.')
        call = context if context is not None else Context(mcp_server=self)
        try:
            answer = await self._answer(name, arguments, self._context(call))
        except UnknownShapeError as error:
            answer = self._own.odd(name, error)
        except QuestionPending as pending:
            return pending.question
        except KubesharkError as error:
            raise ToolError(self._clock.localise(self._redactor.text(clean(str(error))))) from None
        except (MCPError, ToolError):
            raise
        except Exception as error:
            raise UnexpectedToolError(
                f"{name} failed in a way that was not foreseen ({type(error).__name__}); "
                "the server's log on stderr has the details. Nothing is known to be wrong with your arguments."
            ) from error
        return self._result(answer)

    async def _answer(self, name: str, arguments: dict[str, Any], context: ToolContext) -> Answer | str:
        """Run a tool that is there: the Hub's own where it has one of that name beside ours."""
        if name in self._own.tools:
            return await self._own.call(name, arguments, context)
        registered = self._tools[name]
        checked = self._arguments_of(name).read(arguments, self._clock)
        return await registered.tool.function(registered.toolset, context, **checked)

    def _names(self) -> list[str]:
        return [*(name for name in self._tools if not self._own.lacks(name)), *self._own.tools]

    def _context(self, call: Context[Any, Any]) -> ToolContext:
        async def report(done: float, total: float | None, message: str) -> None:
            await call.report_progress(done, total, message or None)

        return ToolContext(
            hub=self._hub,
            clock=self._clock,
            show=self._show,
            paths=self._paths,
            registered=frozenset(self._names()),
            confirm=Confirm(call),
            report=report,
        )

    def _result(self, given: Answer | str) -> CallToolResult:
        """Close an answer with its rough size: what a model spends by reading it."""
        answer = given if isinstance(given, Answer) else Answer(given)
        tokens = rough_tokens(answer.text)
        text = f"{answer.text.rstrip()}\n(≈{tokens:,} tokens)"
        facts = {**answer.facts, "tokens": tokens}
        return CallToolResult(content=[TextContent(type="text", text=text)], _meta={FACTS: facts})


def describe(tool: Tool, arguments: Arguments) -> ToolDescription:
    """Describe one tool in MCP's terms."""
    return ToolDescription(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=arguments.schema,
        annotations=ToolAnnotations(
            read_only_hint=tool.read_only,
            # Both mean something only for tools that change something (MCP, tool annotations).
            destructive_hint=None if tool.read_only else tool.destructive,
            idempotent_hint=None if tool.read_only else tool.idempotent,
            open_world_hint=tool.open_world,
        ),
    )


def build_server(hub: Hub, options: ServerOptions | None = None) -> KubesharkServer:
    """Make a server with the tools that the options choose; raises UsageError for names that do not exist."""
    options = options or ServerOptions()
    return KubesharkServer(hub, choose(find_toolsets(), options.selection), options)


def describe_tools(options: ServerOptions | None = None) -> list[dict[str, Any]]:
    """Describe the tools that such a server would have, with their toolset, for `--list-tools`."""
    tools = choose(find_toolsets(), (options or ServerOptions()).selection)
    described = []
    for registered in tools.values():
        wire = describe(registered.tool, Arguments.of(registered.tool))
        described.append(
            {"toolset": registered.toolset.name, **wire.model_dump(mode="json", by_alias=True, exclude_none=True)}
        )
    return described
