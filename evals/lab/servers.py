"""Real servers in pods: PostgreSQL, Redis, RabbitMQ and nginx, each with its files in the work folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from evals.lab.cluster import Cluster
from evals.lab.processes import run, wait_until

AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL")

NGINX = """daemon off;
user root;
worker_processes 1;
pid WORK/POD.pid;
error_log WORK/POD-error.log;
events { worker_connections 256; }
http {
  log_format calls escape=json '{"t":$msec,"end":$msec,"seconds":$request_time,"client":"$remote_addr",'
    '"client_port":$remote_port,"protocol":"http","method":"$request_method","url":"$request_uri","status":$status,'
    '"id":"$http_x_request_id","server":"$upstream_addr","upstream_status":"$upstream_status",'
    '"upstream_seconds":"$upstream_response_time"}';
  access_log WORK/calls/POD.jsonl calls;
  client_body_temp_path WORK/POD-body;
  proxy_temp_path WORK/POD-proxy;
  fastcgi_temp_path WORK/POD-unused;
  uwsgi_temp_path WORK/POD-unused;
  scgi_temp_path WORK/POD-unused;
  keepalive_timeout 60;
UPSTREAMS
  server {
    listen 8080;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_connect_timeout PATIENCEs;
    proxy_read_timeout PATIENCEs;
    location = /healthz { access_log off; return 200 "ok\\n"; }
    location = / { access_log off; default_type text/html; return 200 "<!doctype html><title>Welcome</title>\\n"; }
LOCATIONS
  }
}
"""


def postgres_socket(work: Path, pod: str) -> Path:
    """Return the folder of a pod's data and of its local socket, which no capture sees."""
    return work / pod


def start_postgres(cluster: Cluster, work: Path, pod: str, user: str, options: Mapping[str, str]) -> None:
    """Start PostgreSQL in a pod with an own data folder; `user` may do all, everybody is trusted."""
    data = postgres_socket(work, pod)
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    tools = binaries[-1] if binaries else Path(shutil.which("postgres") or "/usr/bin/postgres").parent
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    locale = ("-N", "-E", "UTF8", "--locale=C")
    run(*AS_POSTGRES, str(tools / "initdb"), "-D", str(data), "-A", "trust", "-U", user, *locale)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all {user} 0.0.0.0/0 trust\nhost all all 0.0.0.0/0 md5\n")
    fixed = {"listen_addresses": "*", "fsync": "off", "unix_socket_directories": str(data), "jit": "off"}
    fixed |= {"password_encryption": "md5", **options}
    arguments = [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]
    cluster.start(pod, *AS_POSTGRES, str(tools / "postgres"), "-D", str(data), *arguments)


def wait_for_postgres(cluster: Cluster, work: Path, pod: str, user: str) -> None:
    """Wait until a pod's PostgreSQL answers."""
    cluster.wait_for(pod, 5432)
    wait_until(lambda: "1" in psql(work, pod, user, "SELECT 1", "postgres", check=False), "PostgreSQL to answer")


def psql(work: Path, pod: str, user: str, text: str, database: str = "", check: bool = True) -> str:
    """Give a pod's PostgreSQL statements through its local socket, which no capture sees."""
    where = ("-h", str(postgres_socket(work, pod)), "-U", user, "-d", database or user)
    return run("psql", "-q", "-At", *where, "-v", "ON_ERROR_STOP=1", stdin=text, check=check)


def start_redis(cluster: Cluster, work: Path, pod: str, options: Mapping[str, str]) -> None:
    """Start Redis in a pod, without persistence."""
    fixed = {"bind": "0.0.0.0", "protected-mode": "no", "save": "", "appendonly": "no", "dir": str(work)}
    fixed |= {"unixsocket": str(work / f"{pod}.sock"), "maxmemory-policy": "noeviction", **options}
    arguments = [part for name, value in fixed.items() for part in (f"--{name}", value)]
    cluster.start(pod, "redis-server", *arguments)


def redis_cli(work: Path, pod: str, *command: str, stdin: str | None = None) -> str:
    """Give a pod's Redis a command, or several on standard input, through its local socket."""
    return run("redis-cli", "-s", str(work / f"{pod}.sock"), *command, stdin=stdin)


def start_nginx(
    cluster: Cluster, work: Path, pod: str, upstreams: Mapping[str, str], patience: float, lines: Sequence[str] = ()
) -> None:
    """Start nginx in a pod as a reverse proxy; upstreams: path prefix to `service.namespace`; lines: of its server."""
    names = {target: target.replace(".", "_").replace("-", "_") for target in upstreams.values()}
    blocks = [
        f"  upstream {name} {{ server {target}.svc.cluster.local:80 max_fails=0; keepalive 8; }}"
        for target, name in names.items()
    ]
    places = [f"    location {prefix} {{ proxy_pass http://{names[target]}; }}" for prefix, target in upstreams.items()]
    text = NGINX.replace("UPSTREAMS", "\n".join(blocks)).replace(
        "LOCATIONS", "\n".join([*(f"    {line}" for line in lines), *places])
    )
    text = text.replace("PATIENCE", f"{patience:g}").replace("WORK", str(work)).replace("POD", pod)
    configuration = work / f"{pod}.conf"
    configuration.write_text(text)
    cluster.start(pod, "nginx", "-p", str(work), "-c", str(configuration))


RABBIT = """listeners.tcp.1 = 0.0.0.0:5672
loopback_users = none
log.console = true
log.console.level = error
vm_memory_high_watermark.absolute = 200MB
disk_free_limit.absolute = 10MB
"""


def start_rabbitmq(cluster: Cluster, work: Path, pod: str) -> None:
    """Start RabbitMQ in a pod with one scheduler and an own data folder; guest may log in from everywhere."""
    data = work / pod
    data.mkdir()
    shutil.chown(data, "rabbitmq", "rabbitmq")
    (data / "rabbit.conf").write_text(RABBIT)
    environment = {
        "HOME": str(data),
        "LC_ALL": "C.UTF-8",
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_MNESIA_BASE": str(data),
        "RABBITMQ_LOG_BASE": str(data),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbit.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +A 16",
    }
    as_rabbit = ("setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--init-groups")
    cluster.start(pod, *as_rabbit, "/usr/lib/rabbitmq/bin/rabbitmq-server", environment=environment)
