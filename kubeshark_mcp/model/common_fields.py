"""KFL fields that an entry of any protocol may have: who, when, where, and how it ended.

`src.*` is the client of a connection and `dst.*` its server, on answers too. `local_*` is the client's side, `remote_*`
the server's. Names and types are those of Kubeshark's KFL; the last group is ours.
"""

from __future__ import annotations

from kubeshark_mcp.model.field import Field, FieldType

_BOOL, _DOUBLE, _INT, _STRING = FieldType.BOOL, FieldType.DOUBLE, FieldType.INT, FieldType.STRING
_LIST, _MAP, _TIME = FieldType.STRING_LIST, FieldType.STRING_MAP, FieldType.TIMESTAMP

_NETWORK, _META, _CROSS = "Network-Level", "Identity and Metadata", "Cross-Reference"
_CAPTURE, _POD, _SUMMARY = "Capture Source", "Pod and Service (Directional)", "Summary Name and Namespace"
_AGGREGATE, _LABELS = "Aggregate Collections (Non-Directional)", "Labels and Annotations"
_NODE, _PROCESS, _DNS = "Node Information", "Process Information", "DNS Resolution"
_STATUS, _OUTCOME = "Resolution Status", "Outcome"

COMMON_FIELDS: tuple[Field, ...] = (
    Field(
        "src.ip",
        _STRING,
        "address of the client",
        'src.ip == "10.0.0.7"',
        _NETWORK,
        ("ip.src", "client.ip", "src_ip", "source.ip"),
    ),
    Field(
        "dst.ip",
        _STRING,
        "address of the server as the capture shows it",
        'dst.ip.startsWith("10.96.")',
        _NETWORK,
        ("ip.dst", "server.ip", "dst_ip", "destination.ip"),
    ),
    Field("src.port", _INT, "port of the client", "src.port > 32767", _NETWORK, ("tcp.srcport", "srcport")),
    Field("dst.port", _INT, "port of the server", "dst.port == 443", _NETWORK, ("tcp.dstport", "dstport", "port")),
    Field(
        "protocol",
        _STRING,
        "name of the protocol, equal to its flag",
        'protocol == "http"',
        _NETWORK,
        ("proto", "proto.name", "protocol.name"),
    ),
    Field("id", _INT, "number of the entry within its database", "id == 42", _META, ("_id", "entry_id")),
    Field("node_id", _STRING, "identifier of the node that captured it", 'node_id == "node-a"', _META),
    Field("index", _INT, "position of the entry within its connection", "index < 10", _META),
    Field("stream", _STRING, "the connection within its capture", 'stream == "tcp.stream 3"', _META, ("tcp.stream",)),
    Field(
        "timestamp",
        _TIME,
        "time of the first packet, UTC",
        'timestamp > timestamp("2026-01-01T00:00:00Z")',
        _META,
        ("time", "ts", "start_time", "frame.time"),
    ),
    Field(
        "elapsed_time",
        _INT,
        "microseconds from the first packet of the request to the last of the response",
        "elapsed_time > 500000",
        _META,
        ("latency", "latency_ms", "duration", "elapsedTime", "http.time", "response_time"),
    ),
    Field("worker", _STRING, "the worker or node whose capture holds it", 'worker == "node-a"', _META),
    Field(
        "conn_id", _INT, "number of the connection, the same on its tcp_conn or udp_conn entry", "conn_id == 7", _CROSS
    ),
    Field("flow_id", _INT, "number of the flow, the same on its tcp_flow or udp_flow entry", "flow_id == 3", _CROSS),
    Field("has_pcap", _BOOL, "the packets of the entry can be exported", "has_pcap", _CROSS, ("pcap",)),
    Field("capture_source", _STRING, "how it was captured", 'capture_source == "pcap"', _CAPTURE),
    Field("capture_backend", _STRING, "what captured it", 'capture_backend == "file"', _CAPTURE),
    Field("capture_source_code", _INT, "capture_source as a number", "capture_source_code == 0", _CAPTURE),
    Field("capture", _MAP, "about the capture: its file, its source", 'capture["file"] == "node-a.pcap"', _CAPTURE),
    Field("src.pod.name", _STRING, "pod of the client", 'src.pod.name.startsWith("web-")', _POD, ("src.pod",)),
    Field("src.pod.namespace", _STRING, "namespace of the client's pod", 'src.pod.namespace == "shop"', _POD),
    Field("dst.pod.name", _STRING, "pod of the server", 'dst.pod.name.contains("cart")', _POD, ("dst.pod",)),
    Field("dst.pod.namespace", _STRING, "namespace of the server's pod", 'dst.pod.namespace == "shop"', _POD),
    Field(
        "src.service.name",
        _STRING,
        "service of the client",
        'src.service.name == "web"',
        _POD,
        ("src.svc", "src.service"),
    ),
    Field(
        "src.service.namespace", _STRING, "namespace of the client's service", 'src.service.namespace == "shop"', _POD
    ),
    Field(
        "dst.service.name",
        _STRING,
        "service of the server",
        'dst.service.name == "cart"',
        _POD,
        ("dst.svc", "dst.service"),
    ),
    Field(
        "dst.service.namespace", _STRING, "namespace of the server's service", 'dst.service.namespace == "shop"', _POD
    ),
    Field(
        "src.name",
        _STRING,
        "name of the client: its pod, else its service",
        'src.name == "web-0"',
        _SUMMARY,
        ("source", "client", "src.workload"),
    ),
    Field(
        "dst.name",
        _STRING,
        "name of the server: its pod, else its service",
        'dst.name == "cart"',
        _SUMMARY,
        ("destination", "server", "dst.workload"),
    ),
    Field("src.namespace", _STRING, "namespace of the client", 'src.namespace == "shop"', _SUMMARY, ("src.ns",)),
    Field("dst.namespace", _STRING, "namespace of the server", 'dst.namespace == "shop"', _SUMMARY, ("dst.ns",)),
    Field("namespaces", _LIST, "namespaces of both ends", '"shop" in namespaces', _AGGREGATE, ("namespace", "ns")),
    Field("pods", _LIST, "pods of both ends", '"cart-0" in pods', _AGGREGATE, ("pod",)),
    Field("services", _LIST, "services of both ends", '"cart" in services', _AGGREGATE, ("service", "svc")),
    Field(
        "local_labels",
        _MAP,
        "labels of the client's pod",
        'local_labels["app"] == "web"',
        _LABELS,
        ("src.labels", "labels"),
    ),
    Field("local_annotations", _MAP, "annotations of the client's pod", '"team" in local_annotations', _LABELS),
    Field(
        "remote_labels", _MAP, "labels of the server's pod", 'remote_labels["app"] == "cart"', _LABELS, ("dst.labels",)
    ),
    Field("remote_annotations", _MAP, "annotations of the server's pod", '"team" in remote_annotations', _LABELS),
    Field("node", _MAP, "the capturing node: its name and ip", 'node["name"] == "node-a"', _NODE),
    Field("node_name", _STRING, "name of the node that captured it", 'node_name == "node-a"', _NODE, ("node.name",)),
    Field("node_ip", _STRING, "address of the node that captured it", 'node_ip == "192.168.0.11"', _NODE, ("node.ip",)),
    Field("local_node_name", _STRING, "node of the client's pod", 'local_node_name == "node-a"', _NODE, ("src.node",)),
    Field(
        "remote_node_name", _STRING, "node of the server's pod", 'remote_node_name == "node-b"', _NODE, ("dst.node",)
    ),
    Field(
        "local_process_name", _STRING, "process of the client, where known", 'local_process_name == "curl"', _PROCESS
    ),
    Field(
        "remote_process_name", _STRING, "process of the server, where known", 'remote_process_name == "nginx"', _PROCESS
    ),
    Field("src.dns", _STRING, "DNS name of the client's address", 'src.dns.endsWith(".internal")', _DNS),
    Field(
        "dst.dns",
        _STRING,
        "DNS name of the server's address",
        'dst.dns.endsWith("example.com")',
        _DNS,
        ("host", "hostname"),
    ),
    Field("dns_resolutions", _LIST, "DNS names of both ends", '"api.example.com" in dns_resolutions', _DNS),
    Field(
        "local_resolution_status",
        _STRING,
        "how well the client is known: resolved, dns or unresolved",
        'local_resolution_status == "unresolved"',
        _STATUS,
    ),
    Field(
        "remote_resolution_status",
        _STRING,
        "how well the server is known: resolved, dns or unresolved",
        'remote_resolution_status != "resolved"',
        _STATUS,
    ),
    Field(
        "first_byte_time",
        _INT,
        "microseconds from the last packet of the request to the first of the response",
        "first_byte_time > 100000",
        _OUTCOME,
        ("ttfb", "time_to_first_byte"),
    ),
    Field("answered", _BOOL, "both request and response were seen", "http && !answered", _OUTCOME, ("has_response",)),
    Field("failed", _BOOL, "the outcome is an error", "failed", _OUTCOME, ("error", "is_error", "errors")),
    Field("malformed", _STRING, "why reading stopped or what is missing, else empty", 'malformed != ""', _OUTCOME),
    Field("summary", _STRING, "the entry in one line", 'summary.contains("/cart")', _OUTCOME, ("description",)),
    Field(
        "status",
        _STRING,
        "outcome as text (500, NXDOMAIN, ERR), empty while unknown",
        'status == "NXDOMAIN"',
        _OUTCOME,
        ("response.status", "result"),
    ),
    Field("sightings", _INT, "at how many places the call was captured", "sightings > 1", _OUTCOME, ("copies",)),
)
