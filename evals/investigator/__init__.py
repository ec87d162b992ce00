"""The deterministic baseline: rules that follow the skill for root causes, through MCP calls only."""
