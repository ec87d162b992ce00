"""The KFL fields that Kubeshark itself documents: what a Hub of its own can be expected to know."""

from __future__ import annotations

_NAMES = """
    src.ip dst.ip src.port dst.port protocol id node_id index stream timestamp elapsed_time worker conn_id
    flow_id has_pcap capture_source capture_backend capture_source_code capture method url path status_code
    http_version query_string request.headers response.headers request.cookies response.cookies
    request_headers_size request_body_size response_headers_size response_body_size dns_questions dns_answers
    dns_question_types dns_request dns_response dns_request_length dns_response_length dns_total_size tls
    tls_summary tls_info tls_request_size tls_response_size tls_total_size tcp tcp_method tcp_payload
    tcp_error_type tcp_error_message udp udp_length udp_checksum udp_payload sctp sctp_checksum
    sctp_chunk_type sctp_length icmp icmp_type icmp_version icmp_length ws ws_opcode ws_request ws_response
    ws_request_payload_data ws_request_payload_length ws_response_payload_length redis redis_type
    redis_command redis_key redis_request_size redis_response_size redis_total_size kafka kafka_api_key
    kafka_api_key_name kafka_client_id kafka_size kafka_request kafka_response kafka_request_summary
    kafka_request_size kafka_response_size amqp amqp_method amqp_summary amqp_request amqp_response
    amqp_request_length amqp_response_length amqp_total_size ldap ldap_type ldap_summary ldap_request
    ldap_response ldap_request_length ldap_response_length ldap_total_size radius radius_code radius_code_name
    radius_request radius_response radius_request_authenticator radius_request_length radius_response_length
    radius_total_size diameter diameter_method diameter_summary diameter_request diameter_response
    diameter_request_length diameter_response_length diameter_total_size mongodb mongodb_command
    mongodb_database mongodb_collection mongodb_opcode mongodb_request_size mongodb_response_size
    mongodb_total_size mongodb_success mongodb_error_code mongodb_error_message mongodb_error_code_name mysql
    mysql_command mysql_query mysql_database mysql_statement_id mysql_request_size mysql_response_size
    mysql_total_size mysql_success mysql_error_code mysql_error_message postgresql postgresql_command
    postgresql_query postgresql_database postgresql_user postgresql_request_size postgresql_response_size
    postgresql_total_size postgresql_success postgresql_error_code postgresql_error_message grpc grpc_method
    grpc_status conn conn_state conn_local_pkts conn_local_bytes conn_remote_pkts conn_remote_bytes
    conn_l7_detected conn_group_id flow flow_state flow_local_pkts flow_local_bytes flow_remote_pkts
    flow_remote_bytes flow_local_pps flow_local_bps flow_remote_pps flow_remote_bps flow_l7_detected
    flow_group_id src.pod.name src.pod.namespace dst.pod.name dst.pod.namespace src.service.name
    src.service.namespace dst.service.name dst.service.namespace src.name dst.name src.namespace dst.namespace
    namespaces pods services local_labels local_annotations remote_labels remote_annotations node node_name
    node_ip local_node_name remote_node_name local_process_name remote_process_name src.dns dst.dns
    dns_resolutions local_resolution_status remote_resolution_status http dns gql gqlv1 gqlv2 tcp_conn
    udp_conn tcp_flow udp_flow tlsx tlsx_sni tlsx_cipher_suite tlsx_cipher_suites tlsx_alpn tlsx_version
    tlsx_summary tlsx_info
"""
KUBESHARK_FIELDS = frozenset(_NAMES.split())
"""Names; their types and meanings are in the catalogue of the installed protocols."""
