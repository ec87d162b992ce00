"""Start the server from a plugin's folder: a checkout, or the copy that a client keeps of it.

The first start makes an environment of the locked versions in the client's data folder (CLAUDE_PLUGIN_DATA), with uv
where it is there, with venv and pip otherwise. Every later start runs what is there, without any network. Standard
library only, and of Python 3.8, because it runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PYTHONS = ("python3.13", "python3.12", "python3.11", "python3")


def main() -> None:
    """Make the environment if it is not there, then become the server."""
    given = os.environ.get("CLAUDE_PLUGIN_DATA", "")
    data = Path(given) if is_set(given) else Path.home() / ".cache" / "kubeshark-mcp"
    environment = data / ("venv-" + fingerprint())
    python = environment / "bin" / "python"
    if not (environment / ".ready").exists():
        data.mkdir(parents=True, exist_ok=True)
        # Several clients may start at once: one installs, the others wait and find it done.
        with (data / "install.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (environment / ".ready").exists():
                install(environment, python)
    kept = {name: value for name, value in os.environ.items() if is_set(value) or not name.startswith("KUBESHARK_")}
    os.execve(str(python), [str(python), "-m", "kubeshark_mcp", *sys.argv[1:]], kept)


def is_set(value: str) -> bool:
    """Tell whether an option was given: one that was left empty arrives empty, or as its placeholder."""
    return bool(value) and not value.startswith("${")


def fingerprint() -> str:
    """Tell environments apart: by place, because the install points to it, and by what has to be in them."""
    parts = [str(ROOT).encode(), LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def install(environment: Path, python: Path) -> None:
    """Make the environment; everything that is said goes to standard error, for standard output is the protocol's."""
    shutil.rmtree(str(environment), ignore_errors=True)
    uv = shutil.which("uv")
    constraints = environment.parent / "constraints.txt"
    constraints.write_text(versions(LOCK.read_text()))
    if uv:
        run([uv, "venv", "--quiet", "--python", ">=3.11", str(environment)])
        run([uv, "pip", "install", "--quiet", "--python", str(python), "-c", str(constraints), "--editable", str(ROOT)])
    else:
        run([new_python(), "-m", "venv", str(environment)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "-c", str(constraints), "--editable", str(ROOT)])
    (environment / ".ready").touch()
    for other in environment.parent.glob("venv-*"):
        if other != environment:
            shutil.rmtree(str(other), ignore_errors=True)


def versions(lock: str) -> str:
    """Give the versions of a lock without its hashes, which constraints cannot have beside an own folder."""
    found = re.findall(r"^([A-Za-z0-9._\[\]-]+==[^\s\\;]+)( ; [^\\\n]+)?", lock, re.MULTILINE)
    return "".join(f"{version}{marker.rstrip()}\n" for version, marker in found)


def new_python() -> str:
    """Find a Python that is new enough."""
    for name in PYTHONS:
        path = shutil.which(name)
        test = "import sys; sys.exit(sys.version_info < (3, 11))"
        if path and subprocess.run([path, "-c", test], check=False).returncode == 0:
            return path
    sys.exit("error: kubeshark-mcp needs uv, or Python 3.11 or newer; install one of them and start again.")


def run(command: list[str]) -> None:
    """Run a step; end with a sentence where it fails."""
    settings = dict(os.environ, UV_SYSTEM_CERTS="true", UV_NATIVE_TLS="true")
    done = subprocess.run(command, stdout=sys.stderr, env=settings, check=False)
    if done.returncode:
        sys.exit(f"error: installing kubeshark-mcp failed: {command[0]} (see above); is the network there?")


if __name__ == "__main__":
    main()
