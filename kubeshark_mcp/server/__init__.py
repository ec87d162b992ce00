"""The MCP server: the only room that knows the SDK.

Takes a Hub and options; gives a server over stdio or streamable HTTP. May import registry, plugin and what lies below.
`app` is the server, `arguments` turns a method's signature into a schema and bad input into sentences, `paths` says
where files may go, `confirm` asks before something is destroyed, `instructions` tells a model how to investigate,
`run` starts it all.
"""

from kubeshark_mcp.server.app import KubesharkServer, build_server, describe_tools
from kubeshark_mcp.server.options import ServerOptions
from kubeshark_mcp.server.run import run_http, run_stdio

__all__ = ["KubesharkServer", "ServerOptions", "build_server", "describe_tools", "run_http", "run_stdio"]
