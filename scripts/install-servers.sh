#!/usr/bin/env bash
# Installs the real programs that tests and recordings talk to, from the distribution's packages (Debian, Ubuntu).
# Quiet when all is there; starts no service; prints what could not be installed and fails only then.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

packages=(
  tshark tcpdump                           # referees
  nginx redis-server postgresql nsd         # servers
  nghttp2-server nghttp2-client nghttp2-proxy  # HTTP/2 without TLS: nghttpd, nghttp, nghttpx
  freeradius freeradius-utils freediameterd freediameter-extensions iputils-ping traceroute  # RADIUS, Diameter, ICMP
  mariadb-server mariadb-client             # MariaDB
  openssl                                   # TLS: certificates, s_client, s_server
  slapd ldap-utils                         # LDAP
  rabbitmq-server                          # AMQP
  apache2-utils wrk curl bind9-dnsutils    # clients and load
  chromium                                 # shows the report
  iproute2 iptables conntrack procps util-linux
)

installed() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing() { for name in "$@"; do installed "$name" || printf '%s\n' "$name"; done; }

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install-servers: no dpkg here; install by hand: ${packages[*]}" >&2
  exit 1
fi
mapfile -t wanted < <(missing "${packages[@]}")
[ "${#wanted[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "install-servers: neither root nor sudo without a password; not installed: ${wanted[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n --preserve-env=DEBIAN_FRONTEND,LC_ALL)
fi

# A package's own start of its service is refused while we install (invoke-rc.d asks this file).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  trap 'exit 1' INT TERM
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

log=$(mktemp)
apt() {
  "${as_root[@]}" timeout --kill-after=10 600 apt-get --quiet=2 --yes --no-install-recommends \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null >>"$log" 2>&1
}

if ! apt install "${wanted[@]}"; then
  apt update
  # One package that a release does not have must not keep the others away.
  apt install "${wanted[@]}" || for name in "${wanted[@]}"; do installed "$name" || apt install "$name"; done
fi

mapfile -t still < <(missing "${packages[@]}")
if [ "${#still[@]}" -gt 0 ]; then
  tail -n 15 "$log" >&2
  echo "install-servers: could not install: ${still[*]}" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
