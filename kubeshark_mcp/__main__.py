"""`python -m kubeshark_mcp`: the same as the command `kubeshark-mcp`."""

from kubeshark_mcp.cli import main

if __name__ == "__main__":
    main()
