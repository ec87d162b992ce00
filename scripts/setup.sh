#!/usr/bin/env bash
# Makes .venv from the locked versions: with uv where it is there, with venv and pip otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1
# The certificates of the system, as pip uses them: networks with a proxy of their own need it.
export UV_SYSTEM_CERTS=true UV_NATIVE_TLS=true
if command -v uv >/dev/null 2>&1; then
  [ -x .venv/bin/python ] || uv venv --quiet --python '>=3.11' .venv
  uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
else
  python=$(command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
  [ -x .venv/bin/pip ] || "$python" -m venv .venv
  .venv/bin/pip install --quiet --require-hashes --requirement requirements.lock
  .venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
fi
touch .venv/.ready
