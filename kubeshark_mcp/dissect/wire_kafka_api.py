"""Kafka: every request by number, with the versions of its fields, and every error code by name.

The schemas are those of Apache Kafka 0.8 to 4.1 (https://kafka.apache.org/protocol, KIP-482 for flexible versions),
without tagged fields, whose length is on the wire. One line of a schema lists fields in the order of the wire:

    name:type       one of i8 i16 u16 i32 i64 f64 bool uuid str bytes, or a role
    role            topic, topic_id, partition, group, error ...: what is read, and not only passed over
    name:[type]     an array of such values
    name[...]       an array of structures; name{...} a structure, name?{...} one that may be null
    3+, 0-2, 0      the versions that have the field; without it, all that have what it stands in
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Api:
    """One kind of request.

    newest: highest version whose schema is known. flexible: first version with compact lengths and tagged fields.
    request, response: fields, as the module says.
    """

    name: str
    newest: int
    flexible: int
    request: str
    response: str


NEVER = 1000
"""First flexible version of a request that has none."""

APIS: dict[int, Api] = {
    0: Api(
        "Produce",
        13,
        9,
        (
            "transactional_id 3+, acks, timeout:i32, topic_data[topic 0-12, topic_id 13+, partition_data[partition, "
            "records]]"
        ),
        (
            "responses[topic 0-12, topic_id 13+, partition_responses[partition, error, base_offset:i64, "
            "log_append_time:i64 2+, log_start_offset:i64 5+, record_errors[batch_index:i32, "
            "batch_index_error_message:str] 8+, error_message 8+]], throttle 1+"
        ),
    ),
    1: Api(
        "Fetch",
        18,
        12,
        (
            "replica_id:i32 0-14, max_wait:i32, min_bytes:i32, max_bytes:i32 3+, isolation_level:i8 4+, "
            "session_id:i32 7+, session_epoch:i32 7+, topics[topic 0-12, topic_id 13+, partitions[partition, "
            "current_leader_epoch:i32 9+, fetch_offset:i64, last_fetched_epoch:i32 12+, log_start_offset:i64 5+, "
            "partition_max_bytes:i32]], forgotten_topics_data[topic 7-12, topic_id 13+, partitions:[partition]] 7+, "
            "rack_id:str 11+"
        ),
        (
            "throttle 1+, error 7+, session_id:i32 7+, responses[topic 0-12, topic_id 13+, partitions[partition, "
            "error, high_watermark:i64, last_stable_offset:i64 4+, log_start_offset:i64 5+, "
            "aborted_transactions[producer_id:i64, first_offset:i64] 4+, preferred_read_replica:i32 11+, records]]"
        ),
    ),
    2: Api(
        "ListOffsets",
        11,
        6,
        (
            "replica_id:i32, isolation_level:i8 2+, topics[topic, partitions[partition, current_leader_epoch:i32 "
            "4+, timestamp:i64, max_num_offsets:i32 0]], timeout:i32 10+"
        ),
        (
            "throttle 2+, topics[topic, partitions[partition, error, old_style_offsets:[i64] 0, timestamp:i64 1+, "
            "offset:i64 1+, leader_epoch:i32 4+]]"
        ),
    ),
    3: Api(
        "Metadata",
        13,
        9,
        (
            "topics[topic_id 10+, topic], allow_auto_topic_creation:bool 4+, "
            "include_cluster_authorized_operations:bool 8-10, include_topic_authorized_operations:bool 8+"
        ),
        (
            "throttle 3+, brokers[node_id:i32, host:str, port:i32, rack:str 1+], cluster_id:str 2+, "
            "controller_id:i32 1+, topics[error, topic, topic_id 10+, is_internal:bool 1+, partitions[error, "
            "partition, leader_id:i32, leader_epoch:i32 7+, replica_nodes:[i32], isr_nodes:[i32], "
            "offline_replicas:[i32] 5+], topic_authorized_operations:i32 8+], cluster_authorized_operations:i32 "
            "8-10, error 13+"
        ),
    ),
    4: Api(
        "LeaderAndIsr",
        7,
        4,
        (
            "controller_id:i32, is_kraft_controller:bool 7+, controller_epoch:i32, "
            "ungrouped_partition_states[topic, partition, controller_epoch:i32, leader:i32, leader_epoch:i32, "
            "isr:[i32], partition_epoch:i32, replicas:[i32], is_new:bool 1+] 0-1, broker_epoch:i64 2+, type:i8 5+, "
            "topic_states[topic, topic_id 5+, partition_states[partition, controller_epoch:i32, leader:i32, "
            "leader_epoch:i32, isr:[i32], partition_epoch:i32, replicas:[i32], adding_replicas:[i32] 3+, "
            "removing_replicas:[i32] 3+, is_new:bool, leader_recovery_state:i8 6+]] 2+, live_leaders[broker_id:i32, "
            "host_name:str, port:i32]"
        ),
        (
            "error, partition_errors[topic, partition, error] 0-4, topics[topic_id, partition_errors[partition, "
            "error]] 5+"
        ),
    ),
    5: Api(
        "StopReplica",
        4,
        2,
        (
            "controller_id:i32, is_kraft_controller:bool 4+, controller_epoch:i32, broker_epoch:i64 1+, "
            "delete_partitions:bool 0-2, ungrouped_partitions[topic, partition] 0, topics[topic, "
            "partition_indexes:[partition]] 1-2, topic_states[topic, partition_states[partition, leader_epoch:i32, "
            "delete_partition:bool]] 3+"
        ),
        "error, partition_errors[topic, partition, error]",
    ),
    6: Api(
        "UpdateMetadata",
        8,
        6,
        (
            "controller_id:i32, is_kraft_controller:bool 8+, controller_epoch:i32, "
            "ungrouped_partition_states[topic, partition, controller_epoch:i32, leader:i32, leader_epoch:i32, "
            "isr:[i32], zk_version:i32, replicas:[i32], offline_replicas:[i32] 4+] 0-4, broker_epoch:i64 5+, "
            "topic_states[topic, topic_id 7+, partition_states[partition, controller_epoch:i32, leader:i32, "
            "leader_epoch:i32, isr:[i32], zk_version:i32, replicas:[i32], offline_replicas:[i32]]] 5+, "
            "live_brokers[id:i32, v0_host:str 0, v0_port:i32 0, endpoints[port:i32, host:str, listener:str 3+, "
            "security_protocol:i16] 1+, rack:str 2+]"
        ),
        "error",
    ),
    7: Api(
        "ControlledShutdown",
        3,
        3,
        "broker_id:i32, broker_epoch:i64 2+",
        "error, remaining_partitions[topic, partition]",
    ),
    8: Api(
        "OffsetCommit",
        10,
        8,
        (
            "group, generation_id_or_member_epoch:i32 1+, member_id:str 1+, retention_time:i64 2-4, "
            "group_instance_id:str 7+, topics[topic 0-9, topic_id 10+, partitions[partition, committed_offset:i64, "
            "commit_timestamp:i64 1, committed_leader_epoch:i32 6+, committed_metadata:str]]"
        ),
        "throttle 3+, topics[topic 0-9, topic_id 10+, partitions[partition, error]]",
    ),
    9: Api(
        "OffsetFetch",
        10,
        6,
        (
            "group 0-7, topics[topic, partition_indexes:[partition]] 0-7, groups[group, member_id:str 9+, "
            "member_epoch:i32 9+, topics[topic 8-9, topic_id 10+, partition_indexes:[partition]]] 8+, "
            "require_stable:bool 7+"
        ),
        (
            "throttle 3+, topics[topic, partitions[partition, committed_offset:i64, committed_leader_epoch:i32 5+, "
            "metadata:str, error]] 0-7, error 2-7, groups[group, topics[topic 8-9, topic_id 10+, "
            "partitions[partition, committed_offset:i64, committed_leader_epoch:i32, metadata:str, error]], error] "
            "8+"
        ),
    ),
    10: Api(
        "FindCoordinator",
        6,
        3,
        "key 0-3, key_type:i8 1+, coordinator_keys:[key] 4+",
        (
            "throttle 1+, error 0-3, error_message 1-3, node_id:i32 0-3, host:str 0-3, port:i32 0-3, "
            "coordinators[key, node_id:i32, host:str, port:i32, error, error_message] 4+"
        ),
    ),
    11: Api(
        "JoinGroup",
        9,
        6,
        (
            "group, session_timeout:i32, rebalance_timeout:i32 1+, member_id:str, group_instance_id:str 5+, "
            "protocol_type:str, protocols[name:str, subscription], reason:str 8+"
        ),
        (
            "throttle 2+, error, generation_id:i32, protocol_type:str 7+, protocol_name:str, leader:str, "
            "skip_assignment:bool 9+, member_id:str, members[member_id:str, group_instance_id:str 5+, "
            "metadata:bytes]"
        ),
    ),
    12: Api(
        "Heartbeat",
        4,
        4,
        "group, generation_id:i32, member_id:str, group_instance_id:str 3+",
        "throttle 1+, error",
    ),
    13: Api(
        "LeaveGroup",
        5,
        4,
        "group, member_id:str 0-2, members[member_id:str, group_instance_id:str, reason:str 5+] 3+",
        "throttle 1+, error, members[member_id:str, group_instance_id:str, error] 3+",
    ),
    14: Api(
        "SyncGroup",
        5,
        4,
        (
            "group, generation_id:i32, member_id:str, group_instance_id:str 3+, protocol_type:str 5+, "
            "protocol_name:str 5+, assignments[member_id:str, assignment:bytes]"
        ),
        "throttle 1+, error, protocol_type:str 5+, protocol_name:str 5+, assignment:bytes",
    ),
    15: Api(
        "DescribeGroups",
        6,
        5,
        "groups:[group], include_authorized_operations:bool 3+",
        (
            "throttle 1+, groups[error, error_message 6+, group, group_state:str, protocol_type:str, "
            "protocol_data:str, members[member_id:str, group_instance_id:str 4+, client_id:str, client_host:str, "
            "member_metadata:bytes, member_assignment:bytes], authorized_operations:i32 3+]"
        ),
    ),
    16: Api(
        "ListGroups",
        5,
        3,
        "states_filter:[str] 4+, types_filter:[str] 5+",
        "throttle 1+, error, groups[group, protocol_type:str, group_state:str 4+, group_type:str 5+]",
    ),
    17: Api(
        "SaslHandshake",
        1,
        NEVER,
        "mechanism",
        "error, mechanisms:[str]",
    ),
    18: Api(
        "ApiVersions",
        4,
        3,
        "software 3+, software 3+",
        "error, api_keys[api_key:i16, min_version:i16, max_version:i16], throttle 1+",
    ),
    19: Api(
        "CreateTopics",
        7,
        5,
        (
            "topics[topic, num_partitions:i32, replication_factor:i16, assignments[partition, broker_ids:[i32]], "
            "configs[name:str, value:str]], timeout:i32, validate_only:bool 1+"
        ),
        (
            "throttle 2+, topics[topic, topic_id 7+, error, error_message 1+, num_partitions:i32 5+, "
            "replication_factor:i16 5+, configs[name:str, value:str, read_only:bool, config_source:i8, "
            "is_sensitive:bool] 5+]"
        ),
    ),
    20: Api(
        "DeleteTopics",
        6,
        4,
        "topic_names:[topic] 0-5, topics[topic, topic_id] 6+, timeout:i32",
        "throttle 1+, responses[topic, topic_id 6+, error, error_message 5+]",
    ),
    21: Api(
        "DeleteRecords",
        2,
        2,
        "topics[topic, partitions[partition, offset:i64]], timeout:i32",
        "throttle, topics[topic, partitions[partition, low_watermark:i64, error]]",
    ),
    22: Api(
        "InitProducerId",
        6,
        2,
        (
            "transactional_id, transaction_timeout:i32, producer_id:i64 3+, producer_epoch:i16 3+, "
            "enable_two_phase_commit:bool 6+, keep_prepared_txn:bool 6+"
        ),
        (
            "throttle, error, producer_id:i64, producer_epoch:i16, ongoing_txn_producer_id:i64 6+, "
            "ongoing_txn_producer_epoch:i16 6+"
        ),
    ),
    23: Api(
        "OffsetForLeaderEpoch",
        4,
        4,
        "replica_id:i32 3+, topics[topic, partitions[partition, current_leader_epoch:i32 2+, leader_epoch:i32]]",
        "throttle 2+, topics[topic, partitions[error, partition, leader_epoch:i32 1+, end_offset:i64]]",
    ),
    24: Api(
        "AddPartitionsToTxn",
        5,
        3,
        (
            "transactional_id 0-3, v3_and_below_producer_id:i64 0-3, v3_and_below_producer_epoch:i16 0-3, "
            "v3_and_below_topics[topic, partitions:[partition]] 0-3, transactions[transactional_id, "
            "producer_id:i64, producer_epoch:i16, verify_only:bool, topics[topic, partitions:[partition]]] 4+"
        ),
        (
            "throttle, results_by_topic_v3_and_below[topic, results_by_partition[partition, error]] 0-3, error 4+, "
            "results_by_transaction[transactional_id, topic_results[topic, results_by_partition[partition, error]]] "
            "4+"
        ),
    ),
    25: Api(
        "AddOffsetsToTxn",
        4,
        3,
        "transactional_id, producer_id:i64, producer_epoch:i16, group",
        "throttle, error",
    ),
    26: Api(
        "EndTxn",
        5,
        3,
        "transactional_id, producer_id:i64, producer_epoch:i16, committed:bool",
        "throttle, error, producer_id:i64 5+, producer_epoch:i16 5+",
    ),
    27: Api(
        "WriteTxnMarkers",
        2,
        1,
        (
            "markers[producer_id:i64, producer_epoch:i16, transaction_result:bool, topics[topic, "
            "partition_indexes:[partition]], coordinator_epoch:i32, transaction_version:i8 2+]"
        ),
        "markers[producer_id:i64, topics[topic, partitions[partition, error]]]",
    ),
    28: Api(
        "TxnOffsetCommit",
        5,
        3,
        (
            "transactional_id, group, producer_id:i64, producer_epoch:i16, generation_id:i32 3+, member_id:str 3+, "
            "group_instance_id:str 3+, topics[topic, partitions[partition, committed_offset:i64, "
            "committed_leader_epoch:i32 2+, committed_metadata:str]]"
        ),
        "throttle, topics[topic, partitions[partition, error]]",
    ),
    29: Api(
        "DescribeAcls",
        3,
        2,
        (
            "resource_type_filter:i8, resource_name_filter:str, pattern_type_filter:i8 1+, principal_filter:str, "
            "host_filter:str, operation:i8, permission_type:i8"
        ),
        (
            "throttle, error, error_message, resources[resource_type:i8, resource_name:str, pattern_type:i8 1+, "
            "acls[principal:str, host:str, operation:i8, permission_type:i8]]"
        ),
    ),
    30: Api(
        "CreateAcls",
        3,
        2,
        (
            "creations[resource_type:i8, resource_name:str, resource_pattern_type:i8 1+, principal:str, host:str, "
            "operation:i8, permission_type:i8]"
        ),
        "throttle, results[error, error_message]",
    ),
    31: Api(
        "DeleteAcls",
        3,
        2,
        (
            "filters[resource_type_filter:i8, resource_name_filter:str, pattern_type_filter:i8 1+, "
            "principal_filter:str, host_filter:str, operation:i8, permission_type:i8]"
        ),
        (
            "throttle, filter_results[error, error_message, matching_acls[error, error_message, resource_type:i8, "
            "resource_name:str, pattern_type:i8 1+, principal:str, host:str, operation:i8, permission_type:i8]]"
        ),
    ),
    32: Api(
        "DescribeConfigs",
        4,
        4,
        (
            "resources[resource_type:i8, resource_name:str, configuration_keys:[str]], include_synonyms:bool 1+, "
            "include_documentation:bool 3+"
        ),
        (
            "throttle, results[error, error_message, resource_type:i8, resource_name:str, configs[name:str, "
            "value:str, read_only:bool, is_default:bool 0, config_source:i8 1+, is_sensitive:bool, "
            "synonyms[name:str, value:str, source:i8] 1+, config_type:i8 3+, documentation:str 3+]]"
        ),
    ),
    33: Api(
        "AlterConfigs",
        2,
        2,
        "resources[resource_type:i8, resource_name:str, configs[name:str, value:str]], validate_only:bool",
        "throttle, responses[error, error_message, resource_type:i8, resource_name:str]",
    ),
    34: Api(
        "AlterReplicaLogDirs",
        2,
        2,
        "dirs[path:str, topics[topic, partitions:[partition]]]",
        "throttle, results[topic, partitions[partition, error]]",
    ),
    35: Api(
        "DescribeLogDirs",
        5,
        2,
        "topics[topic, partitions:[partition]]",
        (
            "throttle, error 3+, results[error, log_dir:str, topics[topic, partitions[partition, "
            "partition_size:i64, offset_lag:i64, is_future_key:bool]], total_bytes:i64 4+, usable_bytes:i64 4+, "
            "is_cordoned:bool 5+]"
        ),
    ),
    36: Api(
        "SaslAuthenticate",
        2,
        2,
        "auth_bytes:bytes",
        "error, error_message, auth_bytes:bytes, session_lifetime:i64 1+",
    ),
    37: Api(
        "CreatePartitions",
        3,
        2,
        "topics[topic, count:i32, assignments[broker_ids:[i32]]], timeout:i32, validate_only:bool",
        "throttle, results[topic, error, error_message]",
    ),
    38: Api(
        "CreateDelegationToken",
        3,
        2,
        (
            "owner_principal_type:str 3+, owner_principal_name:str 3+, renewers[principal_type:str, "
            "principal_name:str], max_lifetime:i64"
        ),
        (
            "error, principal_type:str, principal_name:str, token_requester_principal_type:str 3+, "
            "token_requester_principal_name:str 3+, issue_timestamp:i64, expiry_timestamp:i64, max_timestamp:i64, "
            "token_id:str, hmac:bytes, throttle"
        ),
    ),
    39: Api(
        "RenewDelegationToken",
        2,
        2,
        "hmac:bytes, renew_period:i64",
        "error, expiry_timestamp:i64, throttle",
    ),
    40: Api(
        "ExpireDelegationToken",
        2,
        2,
        "hmac:bytes, expiry_time_period:i64",
        "error, expiry_timestamp:i64, throttle",
    ),
    41: Api(
        "DescribeDelegationToken",
        3,
        2,
        "owners[principal_type:str, principal_name:str]",
        (
            "error, tokens[principal_type:str, principal_name:str, token_requester_principal_type:str 3+, "
            "token_requester_principal_name:str 3+, issue_timestamp:i64, expiry_timestamp:i64, max_timestamp:i64, "
            "token_id:str, hmac:bytes, renewers[principal_type:str, principal_name:str]], throttle"
        ),
    ),
    42: Api(
        "DeleteGroups",
        2,
        2,
        "groups_names:[group]",
        "throttle, results[group, error]",
    ),
    43: Api(
        "ElectLeaders",
        2,
        2,
        "election_type:i8 1+, topic_partitions[topic, partitions:[partition]], timeout:i32",
        "throttle, error 1+, replica_election_results[topic, partition_result[partition, error, error_message]]",
    ),
    44: Api(
        "IncrementalAlterConfigs",
        1,
        1,
        (
            "resources[resource_type:i8, resource_name:str, configs[name:str, config_operation:i8, value:str]], "
            "validate_only:bool"
        ),
        "throttle, responses[error, error_message, resource_type:i8, resource_name:str]",
    ),
    45: Api(
        "AlterPartitionReassignments",
        1,
        0,
        ("timeout:i32, allow_replication_factor_change:bool 1+, topics[topic, partitions[partition, replicas:[i32]]]"),
        (
            "throttle, allow_replication_factor_change:bool 1+, error, error_message, responses[topic, "
            "partitions[partition, error, error_message]]"
        ),
    ),
    46: Api(
        "ListPartitionReassignments",
        0,
        0,
        "timeout:i32, topics[topic, partition_indexes:[partition]]",
        (
            "throttle, error, error_message, topics[topic, partitions[partition, replicas:[i32], "
            "adding_replicas:[i32], removing_replicas:[i32]]]"
        ),
    ),
    47: Api(
        "OffsetDelete",
        0,
        NEVER,
        "group, topics[topic, partitions[partition]]",
        "error, throttle, topics[topic, partitions[partition, error]]",
    ),
    48: Api(
        "DescribeClientQuotas",
        1,
        1,
        "components[entity_type:str, match_type:i8, match:str], strict:bool",
        (
            "throttle, error, error_message, entries[entity[entity_type:str, entity_name:str], values[key:str, "
            "value:f64]]"
        ),
    ),
    49: Api(
        "AlterClientQuotas",
        1,
        1,
        ("entries[entity[entity_type:str, entity_name:str], ops[key:str, value:f64, remove:bool]], validate_only:bool"),
        "throttle, entries[error, error_message, entity[entity_type:str, entity_name:str]]",
    ),
    50: Api(
        "DescribeUserScramCredentials",
        0,
        0,
        "users[name:str]",
        (
            "throttle, error, error_message, results[user:str, error, error_message, credential_infos[mechanism:i8, "
            "iterations:i32]]"
        ),
    ),
    51: Api(
        "AlterUserScramCredentials",
        0,
        0,
        (
            "deletions[name:str, mechanism:i8], upsertions[name:str, mechanism:i8, iterations:i32, salt:bytes, "
            "salted_password:bytes]"
        ),
        "throttle, results[user:str, error, error_message]",
    ),
    52: Api(
        "Vote",
        2,
        0,
        (
            "cluster_id:str, voter_id:i32 1+, topics[topic, partitions[partition, replica_epoch:i32, "
            "replica_id:i32, replica_directory_id:uuid 1+, voter_directory_id:uuid 1+, last_offset_epoch:i32, "
            "last_offset:i64, pre_vote:bool 2+]]"
        ),
        "error, topics[topic, partitions[partition, error, leader_id:i32, leader_epoch:i32, vote_granted:bool]]",
    ),
    53: Api(
        "BeginQuorumEpoch",
        1,
        1,
        (
            "cluster_id:str, voter_id:i32 1+, topics[topic, partitions[partition, voter_directory_id:uuid 1+, "
            "leader_id:i32, leader_epoch:i32]], leader_endpoints[name:str, host:str, port:u16] 1+"
        ),
        "error, topics[topic, partitions[partition, error, leader_id:i32, leader_epoch:i32]]",
    ),
    54: Api(
        "EndQuorumEpoch",
        1,
        1,
        (
            "cluster_id:str, topics[topic, partitions[partition, leader_id:i32, leader_epoch:i32, "
            "preferred_successors:[i32] 0, preferred_candidates[candidate_id:i32, candidate_directory_id:uuid] "
            "1+]], leader_endpoints[name:str, host:str, port:u16] 1+"
        ),
        "error, topics[topic, partitions[partition, error, leader_id:i32, leader_epoch:i32]]",
    ),
    55: Api(
        "DescribeQuorum",
        2,
        0,
        "topics[topic, partitions[partition]]",
        (
            "error, error_message 2+, topics[topic, partitions[partition, error, error_message 2+, leader_id:i32, "
            "leader_epoch:i32, high_watermark:i64, current_voters[replica_id:i32, replica_directory_id:uuid 2+, "
            "log_end_offset:i64, last_fetch_timestamp:i64 1+, last_caught_up_timestamp:i64 1+], "
            "observers[replica_id:i32, replica_directory_id:uuid 2+, log_end_offset:i64, last_fetch_timestamp:i64 "
            "1+, last_caught_up_timestamp:i64 1+]]], nodes[node_id:i32, listeners[name:str, host:str, port:u16]] 2+"
        ),
    ),
    56: Api(
        "AlterPartition",
        3,
        0,
        (
            "broker_id:i32, broker_epoch:i64, topics[topic 0-1, topic_id 2+, partitions[partition, "
            "leader_epoch:i32, new_isr:[i32] 0-2, new_isr_with_epochs[broker_id:i32, broker_epoch:i64] 3+, "
            "leader_recovery_state:i8 1+, partition_epoch:i32]]"
        ),
        (
            "throttle, error, topics[topic 0-1, topic_id 2+, partitions[partition, error, leader_id:i32, "
            "leader_epoch:i32, isr:[i32], leader_recovery_state:i8 1+, partition_epoch:i32]]"
        ),
    ),
    57: Api(
        "UpdateFeatures",
        2,
        0,
        (
            "timeout:i32, feature_updates[feature:str, max_version_level:i16, allow_downgrade:bool 0, "
            "upgrade_type:i8 1+], validate_only:bool 1+"
        ),
        "throttle, error, error_message, results[feature:str, error, error_message] 0-1",
    ),
    58: Api(
        "Envelope",
        0,
        0,
        "request_data:bytes, request_principal:bytes, client_host_address:bytes",
        "response_data:bytes, error",
    ),
    59: Api(
        "FetchSnapshot",
        1,
        0,
        (
            "replica_id:i32, max_bytes:i32, topics[topic, partitions[partition, current_leader_epoch:i32, "
            "snapshot_id{end_offset:i64, epoch:i32}, position:i64]]"
        ),
        (
            "throttle, error, topics[topic, partitions[partition, error, snapshot_id{end_offset:i64, epoch:i32}, "
            "size:i64, position:i64, records]]"
        ),
    ),
    60: Api(
        "DescribeCluster",
        2,
        0,
        "include_cluster_authorized_operations:bool, endpoint_type:i8 1+, include_fenced_brokers:bool 2+",
        (
            "throttle, error, error_message, endpoint_type:i8 1+, cluster_id:str, controller_id:i32, "
            "brokers[broker_id:i32, host:str, port:i32, rack:str, is_fenced:bool 2+], "
            "cluster_authorized_operations:i32"
        ),
    ),
    61: Api(
        "DescribeProducers",
        0,
        0,
        "topics[topic, partition_indexes:[partition]]",
        (
            "throttle, topics[topic, partitions[partition, error, error_message, active_producers[producer_id:i64, "
            "producer_epoch:i32, last_sequence:i32, last_timestamp:i64, coordinator_epoch:i32, "
            "current_txn_start_offset:i64]]]"
        ),
    ),
    62: Api(
        "BrokerRegistration",
        4,
        0,
        (
            "broker_id:i32, cluster_id:str, incarnation_id:uuid, listeners[name:str, host:str, port:u16, "
            "security_protocol:i16], features[name:str, min_supported_version:i16, max_supported_version:i16], "
            "rack:str, is_migrating_zk_broker:bool 1+, log_dirs:[uuid] 2+, previous_broker_epoch:i64 3+"
        ),
        "throttle, error, broker_epoch:i64",
    ),
    63: Api(
        "BrokerHeartbeat",
        2,
        0,
        "broker_id:i32, broker_epoch:i64, current_metadata_offset:i64, want_fence:bool, want_shut_down:bool",
        "throttle, error, is_caught_up:bool, is_fenced:bool, should_shut_down:bool",
    ),
    64: Api(
        "UnregisterBroker",
        0,
        0,
        "broker_id:i32",
        "throttle, error, error_message",
    ),
    65: Api(
        "DescribeTransactions",
        0,
        0,
        "transactional_ids:[transactional_id]",
        (
            "throttle, transaction_states[error, transactional_id, transaction_state:str, transaction_timeout:i32, "
            "transaction_start_time:i64, producer_id:i64, producer_epoch:i16, topics[topic, "
            "partitions:[partition]]]"
        ),
    ),
    66: Api(
        "ListTransactions",
        2,
        0,
        ("state_filters:[str], producer_id_filters:[i64], duration_filter:i64 1+, transactional_id_pattern:str 2+"),
        (
            "throttle, error, unknown_state_filters:[str], transaction_states[transactional_id, producer_id:i64, "
            "transaction_state:str]"
        ),
    ),
    67: Api(
        "AllocateProducerIds",
        0,
        0,
        "broker_id:i32, broker_epoch:i64",
        "throttle, error, producer_id_start:i64, producer_id_len:i32",
    ),
    68: Api(
        "ConsumerGroupHeartbeat",
        1,
        0,
        (
            "group, member_id:str, member_epoch:i32, instance_id:str, rack_id:str, rebalance_timeout:i32, "
            "subscribed_topic_names:[topic], subscribed_topic_regex:str 1+, server_assignor:str, "
            "topic_partitions[topic_id, partitions:[partition]]"
        ),
        (
            "throttle, error, error_message, member_id:str, member_epoch:i32, heartbeat_interval:i32, "
            "assignment?{topic_partitions[topic_id, partitions:[partition]]}"
        ),
    ),
    69: Api(
        "ConsumerGroupDescribe",
        1,
        0,
        "group_ids:[group], include_authorized_operations:bool",
        (
            "throttle, groups[error, error_message, group, group_state:str, group_epoch:i32, assignment_epoch:i32, "
            "assignor_name:str, members[member_id:str, instance_id:str, rack_id:str, member_epoch:i32, "
            "client_id:str, client_host:str, subscribed_topic_names:[topic], subscribed_topic_regex:str, "
            "assignment{topic_partitions[topic_id, topic, partitions:[partition]]}, "
            "target_assignment{topic_partitions[topic_id, topic, partitions:[partition]]}, member_type:i8 1+], "
            "authorized_operations:i32]"
        ),
    ),
    70: Api(
        "ControllerRegistration",
        0,
        0,
        (
            "controller_id:i32, incarnation_id:uuid, zk_migration_ready:bool, listeners[name:str, host:str, "
            "port:u16, security_protocol:i16], features[name:str, min_supported_version:i16, "
            "max_supported_version:i16]"
        ),
        "throttle, error, error_message",
    ),
    71: Api(
        "GetTelemetrySubscriptions",
        0,
        0,
        "client_instance_id:uuid",
        (
            "throttle, error, client_instance_id:uuid, subscription_id:i32, accepted_compression_types:[i8], "
            "push_interval:i32, telemetry_max_bytes:i32, delta_temporality:bool, requested_metrics:[str]"
        ),
    ),
    72: Api(
        "PushTelemetry",
        0,
        0,
        "client_instance_id:uuid, subscription_id:i32, terminating:bool, compression_type:i8, metrics:bytes",
        "throttle, error",
    ),
    73: Api(
        "AssignReplicasToDirs",
        0,
        0,
        "broker_id:i32, broker_epoch:i64, directories[id:uuid, topics[topic_id, partitions[partition]]]",
        "throttle, error, directories[id:uuid, topics[topic_id, partitions[partition, error]]]",
    ),
    74: Api(
        "ListConfigResources",
        1,
        0,
        "resource_types:[i8] 1+",
        "throttle, error, config_resources[resource_name:str, resource_type:i8 1+]",
    ),
    75: Api(
        "DescribeTopicPartitions",
        0,
        0,
        "topics[topic], response_partition_limit:i32, cursor?{topic, partition}",
        (
            "throttle, topics[error, topic, topic_id, is_internal:bool, partitions[error, partition, leader_id:i32, "
            "leader_epoch:i32, replica_nodes:[i32], isr_nodes:[i32], eligible_leader_replicas:[i32], "
            "last_known_elr:[i32], offline_replicas:[i32]], topic_authorized_operations:i32], next_cursor?{topic, "
            "partition}"
        ),
    ),
    76: Api(
        "ShareGroupHeartbeat",
        1,
        0,
        "group, member_id:str, member_epoch:i32, rack_id:str, subscribed_topic_names:[topic]",
        (
            "throttle, error, error_message, member_id:str, member_epoch:i32, heartbeat_interval:i32, "
            "assignment?{topic_partitions[topic_id, partitions:[partition]]}"
        ),
    ),
    77: Api(
        "ShareGroupDescribe",
        1,
        0,
        "group_ids:[group], include_authorized_operations:bool",
        (
            "throttle, groups[error, error_message, group, group_state:str, group_epoch:i32, assignment_epoch:i32, "
            "assignor_name:str, members[member_id:str, rack_id:str, member_epoch:i32, client_id:str, "
            "client_host:str, subscribed_topic_names:[topic], assignment{topic_partitions[topic_id, topic, "
            "partitions:[partition]]}], authorized_operations:i32]"
        ),
    ),
    78: Api(
        "ShareFetch",
        2,
        0,
        (
            "group, member_id:str, share_session_epoch:i32, max_wait:i32, min_bytes:i32, max_bytes:i32, "
            "max_records:i32 1+, batch_size:i32 1+, share_acquire_mode:i8 2+, is_renew_ack:bool 2+, "
            "topics[topic_id, partitions[partition, partition_max_bytes:i32 0, "
            "acknowledgement_batches[first_offset:i64, last_offset:i64, acknowledge_types:[i8]]]], "
            "forgotten_topics_data[topic_id, partitions:[partition]]"
        ),
        (
            "throttle, error, error_message, acquisition_lock_timeout:i32 1+, responses[topic_id, "
            "partitions[partition, error, error_message, acknowledge_error_code:i16, acknowledge_error_message:str, "
            "current_leader{leader_id:i32, leader_epoch:i32}, records, acquired_records[first_offset:i64, "
            "last_offset:i64, delivery_count:i16]]], node_endpoints[node_id:i32, host:str, port:i32, rack:str]"
        ),
    ),
    79: Api(
        "ShareAcknowledge",
        2,
        0,
        (
            "group, member_id:str, share_session_epoch:i32, is_renew_ack:bool 2+, topics[topic_id, "
            "partitions[partition, acknowledgement_batches[first_offset:i64, last_offset:i64, "
            "acknowledge_types:[i8]]]]"
        ),
        (
            "throttle, error, error_message, acquisition_lock_timeout:i32 2+, responses[topic_id, "
            "partitions[partition, error, error_message, current_leader{leader_id:i32, leader_epoch:i32}]], "
            "node_endpoints[node_id:i32, host:str, port:i32, rack:str]"
        ),
    ),
    80: Api(
        "AddRaftVoter",
        1,
        0,
        (
            "cluster_id:str, timeout:i32, voter_id:i32, voter_directory_id:uuid, listeners[name:str, host:str, "
            "port:u16], ack_when_committed:bool 1+"
        ),
        "throttle, error, error_message",
    ),
    81: Api(
        "RemoveRaftVoter",
        0,
        0,
        "cluster_id:str, voter_id:i32, voter_directory_id:uuid",
        "throttle, error, error_message",
    ),
    82: Api(
        "UpdateRaftVoter",
        0,
        0,
        (
            "cluster_id:str, current_leader_epoch:i32, voter_id:i32, voter_directory_id:uuid, listeners[name:str, "
            "host:str, port:u16], k_raft_version_feature{min_supported_version:i16, max_supported_version:i16}"
        ),
        "throttle, error",
    ),
    83: Api(
        "InitializeShareGroupState",
        0,
        0,
        "group, topics[topic_id, partitions[partition, state_epoch:i32, start_offset:i64]]",
        "results[topic_id, partitions[partition, error, error_message]]",
    ),
    84: Api(
        "ReadShareGroupState",
        0,
        0,
        "group, topics[topic_id, partitions[partition, leader_epoch:i32]]",
        (
            "results[topic_id, partitions[partition, error, error_message, state_epoch:i32, start_offset:i64, "
            "state_batches[first_offset:i64, last_offset:i64, delivery_state:i8, delivery_count:i16]]]"
        ),
    ),
    85: Api(
        "WriteShareGroupState",
        1,
        0,
        (
            "group, topics[topic_id, partitions[partition, state_epoch:i32, leader_epoch:i32, start_offset:i64, "
            "delivery_complete_count:i32 1+, state_batches[first_offset:i64, last_offset:i64, delivery_state:i8, "
            "delivery_count:i16]]]"
        ),
        "results[topic_id, partitions[partition, error, error_message]]",
    ),
    86: Api(
        "DeleteShareGroupState",
        0,
        0,
        "group, topics[topic_id, partitions[partition]]",
        "results[topic_id, partitions[partition, error, error_message]]",
    ),
    87: Api(
        "ReadShareGroupStateSummary",
        1,
        0,
        "group, topics[topic_id, partitions[partition, leader_epoch:i32]]",
        (
            "results[topic_id, partitions[partition, error, error_message, state_epoch:i32, leader_epoch:i32, "
            "start_offset:i64, delivery_complete_count:i32 1+]]"
        ),
    ),
    88: Api(
        "StreamsGroupHeartbeat",
        0,
        0,
        (
            "group, member_id:str, member_epoch:i32, endpoint_information_epoch:i32, instance_id:str, rack_id:str, "
            "rebalance_timeout:i32, topology?{epoch:i32, subtopologies[subtopology_id:str, source_topics:[topic], "
            "source_topic_regex:[str], state_changelog_topics[topic, partition, replication_factor:i16, "
            "topic_configs[key:str, value:str]], repartition_sink_topics:[topic], repartition_source_topics[topic, "
            "partition, replication_factor:i16, topic_configs[key:str, value:str]], "
            "copartition_groups[source_topics:[i16], source_topic_regex:[i16], repartition_source_topics:[i16]]]}, "
            "active_tasks[subtopology_id:str, partitions:[partition]], standby_tasks[subtopology_id:str, "
            "partitions:[partition]], warmup_tasks[subtopology_id:str, partitions:[partition]], process_id:str, "
            "user_endpoint?{host:str, port:u16}, client_tags[key:str, value:str], task_offsets[subtopology_id:str, "
            "partition, offset:i64], task_end_offsets[subtopology_id:str, partition, offset:i64], "
            "shutdown_application:bool"
        ),
        (
            "throttle, error, error_message, member_id:str, member_epoch:i32, heartbeat_interval:i32, "
            "acceptable_recovery_lag:i32, task_offset_interval:i32, status[status_code:i8, status_detail:str], "
            "active_tasks[subtopology_id:str, partitions:[partition]], standby_tasks[subtopology_id:str, "
            "partitions:[partition]], warmup_tasks[subtopology_id:str, partitions:[partition]], "
            "endpoint_information_epoch:i32, partitions_by_user_endpoint[user_endpoint{host:str, port:u16}, "
            "active_partitions[topic, partitions:[partition]], standby_partitions[topic, partitions:[partition]]]"
        ),
    ),
    89: Api(
        "StreamsGroupDescribe",
        0,
        0,
        "group_ids:[group], include_authorized_operations:bool",
        (
            "throttle, groups[error, error_message, group, group_state:str, group_epoch:i32, assignment_epoch:i32, "
            "topology?{epoch:i32, subtopologies[subtopology_id:str, source_topics:[topic], "
            "repartition_sink_topics:[topic], state_changelog_topics[topic, partition, replication_factor:i16, "
            "topic_configs[key:str, value:str]], repartition_source_topics[topic, partition, "
            "replication_factor:i16, topic_configs[key:str, value:str]]]}, members[member_id:str, member_epoch:i32, "
            "instance_id:str, rack_id:str, client_id:str, client_host:str, topology_epoch:i32, process_id:str, "
            "user_endpoint?{host:str, port:u16}, client_tags[key:str, value:str], task_offsets[subtopology_id:str, "
            "partition, offset:i64], task_end_offsets[subtopology_id:str, partition, offset:i64], "
            "assignment{active_tasks[subtopology_id:str, partitions:[partition]], standby_tasks[subtopology_id:str, "
            "partitions:[partition]], warmup_tasks[subtopology_id:str, partitions:[partition]]}, "
            "target_assignment{active_tasks[subtopology_id:str, partitions:[partition]], "
            "standby_tasks[subtopology_id:str, partitions:[partition]], warmup_tasks[subtopology_id:str, "
            "partitions:[partition]]}, is_classic:bool], authorized_operations:i32]"
        ),
    ),
    90: Api(
        "DescribeShareGroupOffsets",
        1,
        0,
        "groups[group, topics[topic, partitions:[partition]]]",
        (
            "throttle, groups[group, topics[topic, topic_id, partitions[partition, start_offset:i64, "
            "leader_epoch:i32, lag:i64 1+, error, error_message]], error, error_message]"
        ),
    ),
    91: Api(
        "AlterShareGroupOffsets",
        0,
        0,
        "group, topics[topic, partitions[partition, start_offset:i64]]",
        ("throttle, error, error_message, responses[topic, topic_id, partitions[partition, error, error_message]]"),
    ),
    92: Api(
        "DeleteShareGroupOffsets",
        0,
        0,
        "group, topics[topic]",
        "throttle, error, error_message, responses[topic, topic_id, error, error_message]",
    ),
}
"""By API key."""

ERRORS: dict[int, str] = {
    -1: "UNKNOWN_SERVER_ERROR",
    0: "NONE",
    1: "OFFSET_OUT_OF_RANGE",
    2: "CORRUPT_MESSAGE",
    3: "UNKNOWN_TOPIC_OR_PARTITION",
    4: "INVALID_FETCH_SIZE",
    5: "LEADER_NOT_AVAILABLE",
    6: "NOT_LEADER_OR_FOLLOWER",
    7: "REQUEST_TIMED_OUT",
    8: "BROKER_NOT_AVAILABLE",
    9: "REPLICA_NOT_AVAILABLE",
    10: "MESSAGE_TOO_LARGE",
    11: "STALE_CONTROLLER_EPOCH",
    12: "OFFSET_METADATA_TOO_LARGE",
    13: "NETWORK_EXCEPTION",
    14: "COORDINATOR_LOAD_IN_PROGRESS",
    15: "COORDINATOR_NOT_AVAILABLE",
    16: "NOT_COORDINATOR",
    17: "INVALID_TOPIC_EXCEPTION",
    18: "RECORD_LIST_TOO_LARGE",
    19: "NOT_ENOUGH_REPLICAS",
    20: "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    21: "INVALID_REQUIRED_ACKS",
    22: "ILLEGAL_GENERATION",
    23: "INCONSISTENT_GROUP_PROTOCOL",
    24: "INVALID_GROUP_ID",
    25: "UNKNOWN_MEMBER_ID",
    26: "INVALID_SESSION_TIMEOUT",
    27: "REBALANCE_IN_PROGRESS",
    28: "INVALID_COMMIT_OFFSET_SIZE",
    29: "TOPIC_AUTHORIZATION_FAILED",
    30: "GROUP_AUTHORIZATION_FAILED",
    31: "CLUSTER_AUTHORIZATION_FAILED",
    32: "INVALID_TIMESTAMP",
    33: "UNSUPPORTED_SASL_MECHANISM",
    34: "ILLEGAL_SASL_STATE",
    35: "UNSUPPORTED_VERSION",
    36: "TOPIC_ALREADY_EXISTS",
    37: "INVALID_PARTITIONS",
    38: "INVALID_REPLICATION_FACTOR",
    39: "INVALID_REPLICA_ASSIGNMENT",
    40: "INVALID_CONFIG",
    41: "NOT_CONTROLLER",
    42: "INVALID_REQUEST",
    43: "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    44: "POLICY_VIOLATION",
    45: "OUT_OF_ORDER_SEQUENCE_NUMBER",
    46: "DUPLICATE_SEQUENCE_NUMBER",
    47: "INVALID_PRODUCER_EPOCH",
    48: "INVALID_TXN_STATE",
    49: "INVALID_PRODUCER_ID_MAPPING",
    50: "INVALID_TRANSACTION_TIMEOUT",
    51: "CONCURRENT_TRANSACTIONS",
    52: "TRANSACTION_COORDINATOR_FENCED",
    53: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    54: "SECURITY_DISABLED",
    55: "OPERATION_NOT_ATTEMPTED",
    56: "KAFKA_STORAGE_ERROR",
    57: "LOG_DIR_NOT_FOUND",
    58: "SASL_AUTHENTICATION_FAILED",
    59: "UNKNOWN_PRODUCER_ID",
    60: "REASSIGNMENT_IN_PROGRESS",
    61: "DELEGATION_TOKEN_AUTH_DISABLED",
    62: "DELEGATION_TOKEN_NOT_FOUND",
    63: "DELEGATION_TOKEN_OWNER_MISMATCH",
    64: "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED",
    65: "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
    66: "DELEGATION_TOKEN_EXPIRED",
    67: "INVALID_PRINCIPAL_TYPE",
    68: "NON_EMPTY_GROUP",
    69: "GROUP_ID_NOT_FOUND",
    70: "FETCH_SESSION_ID_NOT_FOUND",
    71: "INVALID_FETCH_SESSION_EPOCH",
    72: "LISTENER_NOT_FOUND",
    73: "TOPIC_DELETION_DISABLED",
    74: "FENCED_LEADER_EPOCH",
    75: "UNKNOWN_LEADER_EPOCH",
    76: "UNSUPPORTED_COMPRESSION_TYPE",
    77: "STALE_BROKER_EPOCH",
    78: "OFFSET_NOT_AVAILABLE",
    79: "MEMBER_ID_REQUIRED",
    80: "PREFERRED_LEADER_NOT_AVAILABLE",
    81: "GROUP_MAX_SIZE_REACHED",
    82: "FENCED_INSTANCE_ID",
    83: "ELIGIBLE_LEADERS_NOT_AVAILABLE",
    84: "ELECTION_NOT_NEEDED",
    85: "NO_REASSIGNMENT_IN_PROGRESS",
    86: "GROUP_SUBSCRIBED_TO_TOPIC",
    87: "INVALID_RECORD",
    88: "UNSTABLE_OFFSET_COMMIT",
    89: "THROTTLING_QUOTA_EXCEEDED",
    90: "PRODUCER_FENCED",
    91: "RESOURCE_NOT_FOUND",
    92: "DUPLICATE_RESOURCE",
    93: "UNACCEPTABLE_CREDENTIAL",
    94: "INCONSISTENT_VOTER_SET",
    95: "INVALID_UPDATE_VERSION",
    96: "FEATURE_UPDATE_FAILED",
    97: "PRINCIPAL_DESERIALIZATION_FAILURE",
    98: "SNAPSHOT_NOT_FOUND",
    99: "POSITION_OUT_OF_RANGE",
    100: "UNKNOWN_TOPIC_ID",
    101: "DUPLICATE_BROKER_REGISTRATION",
    102: "BROKER_ID_NOT_REGISTERED",
    103: "INCONSISTENT_TOPIC_ID",
    104: "INCONSISTENT_CLUSTER_ID",
    105: "TRANSACTIONAL_ID_NOT_FOUND",
    106: "FETCH_SESSION_TOPIC_ID_ERROR",
    107: "INELIGIBLE_REPLICA",
    108: "NEW_LEADER_ELECTED",
    109: "OFFSET_MOVED_TO_TIERED_STORAGE",
    110: "FENCED_MEMBER_EPOCH",
    111: "UNRELEASED_INSTANCE_ID",
    112: "UNSUPPORTED_ASSIGNOR",
    113: "STALE_MEMBER_EPOCH",
    114: "MISMATCHED_ENDPOINT_TYPE",
    115: "UNSUPPORTED_ENDPOINT_TYPE",
    116: "UNKNOWN_CONTROLLER_ID",
    117: "UNKNOWN_SUBSCRIPTION_ID",
    118: "TELEMETRY_TOO_LARGE",
    119: "INVALID_REGISTRATION",
    120: "TRANSACTION_ABORTABLE",
    121: "INVALID_RECORD_STATE",
    122: "SHARE_SESSION_NOT_FOUND",
    123: "INVALID_SHARE_SESSION_EPOCH",
    124: "FENCED_STATE_EPOCH",
    125: "INVALID_VOTER_KEY",
    126: "DUPLICATE_VOTER",
    127: "VOTER_NOT_FOUND",
    128: "INVALID_REGULAR_EXPRESSION",
    129: "REBOOTSTRAP_REQUIRED",
    130: "STREAMS_INVALID_TOPOLOGY",
    131: "STREAMS_INVALID_TOPOLOGY_EPOCH",
    132: "STREAMS_TOPOLOGY_FENCED",
    133: "SHARE_SESSION_LIMIT_REACHED",
}
"""Names of error codes, as Kafka's documentation writes them."""
