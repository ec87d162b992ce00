"""Record the small captures of the tests again: `python tests/recordings/record.py --out DIR [KIND...]`.

Kinds: http, dns, redis, sightings (default: all). Needs root and the programs of `scripts/install-servers.sh`. Beside
each capture lies a JSON file with what the client sent and received by its own log.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import record_amqp
import record_diameter
import record_dns
import record_gql
import record_grpc
import record_http
import record_http2
import record_icmp
import record_kafka
import record_ldap
import record_mongodb
import record_mysql
import record_postgresql
import record_radius
import record_redis
import record_sightings
import record_tlsx
import record_ws
from loopback import enter, inside

KINDS = {
    "http": record_http.record,
    "http2": record_http2.record,
    "grpc": record_grpc.record,
    "dns": record_dns.record,
    "amqp": record_amqp.record,
    "kafka": record_kafka.record,
    "ldap": record_ldap.record,
    "mongodb": record_mongodb.record,
    "mysql": record_mysql.record,
    "postgresql": record_postgresql.record,
    "diameter": record_diameter.record,
    "icmp": record_icmp.record,
    "radius": record_radius.record,
    "redis": record_redis.record,
    "tlsx": record_tlsx.record,
    "ws": record_ws.record,
    "gql": record_gql.record,
}
ON_A_CLUSTER = {"sightings": record_sightings.record}


def main() -> None:
    """Record what the command line names, or all."""
    parser = argparse.ArgumentParser(description="Record the small captures of the tests anew (needs root).")
    if inside():
        enter()
    parser.add_argument("--out", type=Path, required=True, help="folder that gets a folder for each kind")
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, *ON_A_CLUSTER, []], help="what to record (default: all)")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recorders = KINDS if inside() else ON_A_CLUSTER
    for kind in [kind for kind in recorders if kind in asked.kinds or not asked.kinds]:
        with tempfile.TemporaryDirectory(prefix=f"record-{kind}-") as folder:
            work = Path(folder)
            work.chmod(0o755)
            recorders[kind](asked.out, work)
        for path in sorted((asked.out / kind).glob("*.pcap")):
            logging.info("%7d  %s", path.stat().st_size, path)
    if not inside() and (not asked.kinds or set(asked.kinds) & set(KINDS)):
        enter()


if __name__ == "__main__":
    main()
