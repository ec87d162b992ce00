"""Ask an AI assistant what happened on the network: captures in, root cause with evidence out, over MCP."""

__version__ = "0.1.0"
