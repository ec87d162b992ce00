"""The shipped toolsets, one file each, written against `kubeshark_mcp.plugin` alone."""
