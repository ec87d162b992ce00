"""Diameter numbers by name: commands, applications, result codes, AVPs with their formats.

IANA "Authentication, Authorization, and Accounting (AAA) Parameters"; RFC 6733, 7155, 4072, 8506; 3GPP TS 29.230.
"""

from __future__ import annotations

COMMANDS = {
    257: "Capabilities-Exchange", 258: "Re-Auth", 260: "AA-Mobile-Node", 262: "Home-Agent-MIP", 265: "AA",
    268: "Diameter-EAP", 271: "Accounting", 272: "Credit-Control", 274: "Abort-Session", 275: "Session-Termination",
    280: "Device-Watchdog", 282: "Disconnect-Peer", 283: "User-Authorization", 284: "Server-Assignment",
    285: "Location-Info", 286: "Multimedia-Auth", 287: "Registration-Termination", 288: "Push-Profile",
    300: "User-Authorization", 301: "Server-Assignment", 302: "Location-Info", 303: "Multimedia-Auth",
    304: "Registration-Termination", 305: "Push-Profile", 306: "User-Data", 307: "Profile-Update",
    308: "Subscribe-Notifications", 309: "Push-Notification", 310: "Bootstrapping-Info", 311: "Message-Process",
    312: "GBAPush-Info", 314: "Policy-Data", 315: "Policy-Install", 316: "3GPP-Update-Location",
    317: "3GPP-Cancel-Location", 318: "3GPP-Authentication-Information", 319: "3GPP-Insert-Subscriber-Data",
    320: "3GPP-Delete-Subscriber-Data", 321: "3GPP-Purge-UE", 322: "3GPP-Reset", 323: "3GPP-Notify",
    324: "3GPP-ME-Identity-Check", 325: "MIP6", 326: "QoS-Authorization", 327: "QoS-Install",
    328: "Capabilities-Update", 329: "IKEv2-SK", 330: "NAT-Control", 8388620: "3GPP-Provide-Location",
    8388621: "3GPP-Location-Report", 8388622: "3GPP-LCS-Routing-Info", 8388635: "Spending-Limit",
    8388636: "Spending-Status-Notification", 8388637: "TDF-Session", 8388638: "3GPP-Update-VCSG-Location",
    8388639: "3GPP-Device-Action", 8388640: "3GPP-Device-Notification", 8388641: "3GPP-Subscriber-Information",
    8388642: "Cancel-VCSG-Location", 8388643: "3GPP-Device-Trigger", 8388644: "3GPP-Delivery-Report",
    8388645: "MO-Forward-Short-Message", 8388646: "MT-Forward-Short-Message", 8388647: "Send-Routing-Info-for-SM",
    8388648: "Alert-Service-Centre", 8388649: "Report-SM-Delivery-Status", 8388656: "Trigger-Establishment",
    8388662: "GCS-Action", 8388663: "GCS-Notification", 8388664: "ProSe-Subscriber-Information",
    8388665: "Update-ProSe-Subscriber-Data", 8388666: "ProSe-Notify", 8388667: "Reset",
    8388713: "ProSe-Initial-Location-Information", 8388718: "Configuration-Information",
    8388719: "Reporting-Information", 8388720: "Non-Aggregated-RUCI-Report", 8388721: "Aggregated-RUCI-Report",
    8388722: "Modify-Uecontext", 8388726: "NIDD-Information", 8388732: "Connection-Management", 8388733: "MO-Data",
    8388734: "MT-Data",
}  # fmt: skip
"""Command codes by name, without the ending -Request or -Answer."""

APPLICATIONS = {
    0: "Diameter", 1: "NASREQ", 2: "Mobile IPv4", 3: "Base Accounting", 4: "Credit Control", 5: "EAP", 6: "SIP",
    7: "Mobile IPv6 IKE", 8: "Mobile IPv6 Auth", 9: "QoS", 10: "Capabilities Update", 11: "IKE SK", 12: "NAT Control",
    13: "ERP", 16777216: "Cx", 16777217: "Sh", 16777218: "Re/Rf", 16777219: "Wx", 16777220: "Zn", 16777221: "Zh",
    16777222: "Gq", 16777223: "Gmb", 16777224: "Gx", 16777225: "Gx over Gy", 16777226: "MM10", 16777229: "Rx",
    16777230: "Pr", 16777236: "Rx", 16777238: "Gx", 16777250: "STa", 16777251: "S6a/S6d", 16777252: "S13/S13'",
    16777255: "SLg", 16777264: "SWm", 16777265: "SWx", 16777266: "Gxx", 16777267: "S9", 16777268: "Zpn",
    16777272: "S6b", 16777291: "SLh", 16777292: "SGmb", 16777302: "Sy", 16777303: "Sd", 16777308: "S7a",
    16777309: "Tsp", 16777310: "S6m", 16777311: "T4", 16777312: "S6c", 16777313: "SGd", 16777318: "S15",
    16777319: "S9a", 16777320: "S9a*", 16777335: "MB2-C", 16777336: "PC4a", 16777337: "PC2", 16777340: "PC6/PC7",
    16777342: "Np", 16777345: "S6t", 16777346: "T6a/T6b", 16777347: "T6ai/T6bi", 16777348: "T7", 16777351: "St",
    4294967295: "Relay",
}  # fmt: skip
"""Application identifiers by name; 3GPP's go by their reference point."""

RESULTS = {
    1001: "DIAMETER_MULTI_ROUND_AUTH", 2001: "DIAMETER_SUCCESS", 2002: "DIAMETER_LIMITED_SUCCESS",
    2003: "DIAMETER_FIRST_REGISTRATION", 2004: "DIAMETER_SUBSEQUENT_REGISTRATION",
    2005: "DIAMETER_UNREGISTERED_SERVICE", 2006: "DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED",
    2007: "DIAMETER_SERVER_SELECTION", 2008: "DIAMETER_SUCCESS_AUTH_SENT_SERVER_NOT_STORED",
    2009: "DIAMETER_SUCCESS_RELOCATE_HA", 3001: "DIAMETER_COMMAND_UNSUPPORTED", 3002: "DIAMETER_UNABLE_TO_DELIVER",
    3003: "DIAMETER_REALM_NOT_SERVED", 3004: "DIAMETER_TOO_BUSY", 3005: "DIAMETER_LOOP_DETECTED",
    3006: "DIAMETER_REDIRECT_INDICATION", 3007: "DIAMETER_APPLICATION_UNSUPPORTED", 3008: "DIAMETER_INVALID_HDR_BITS",
    3009: "DIAMETER_INVALID_AVP_BITS", 3010: "DIAMETER_UNKNOWN_PEER", 3011: "DIAMETER_REALM_REDIRECT_INDICATION",
    4001: "DIAMETER_AUTHENTICATION_REJECTED", 4002: "DIAMETER_OUT_OF_SPACE", 4003: "DIAMETER_ELECTION_LOST",
    4005: "DIAMETER_ERROR_MIP_REPLY_FAILURE", 4006: "DIAMETER_ERROR_HA_NOT_AVAILABLE", 4007: "DIAMETER_ERROR_BAD_KEY",
    4008: "DIAMETER_ERROR_MIP_FILTER_NOT_SUPPORTED", 4010: "DIAMETER_END_USER_SERVICE_DENIED",
    4011: "DIAMETER_CREDIT_CONTROL_NOT_APPLICABLE", 4012: "DIAMETER_CREDIT_LIMIT_REACHED",
    4013: "DIAMETER_USER_NAME_REQUIRED", 5001: "DIAMETER_AVP_UNSUPPORTED", 5002: "DIAMETER_UNKNOWN_SESSION_ID",
    5003: "DIAMETER_AUTHORIZATION_REJECTED", 5004: "DIAMETER_INVALID_AVP_VALUE", 5005: "DIAMETER_MISSING_AVP",
    5006: "DIAMETER_RESOURCES_EXCEEDED", 5007: "DIAMETER_CONTRADICTING_AVPS", 5008: "DIAMETER_AVP_NOT_ALLOWED",
    5009: "DIAMETER_AVP_OCCURS_TOO_MANY_TIMES", 5010: "DIAMETER_NO_COMMON_APPLICATION",
    5011: "DIAMETER_UNSUPPORTED_VERSION", 5012: "DIAMETER_UNABLE_TO_COMPLY", 5013: "DIAMETER_INVALID_BIT_IN_HEADER",
    5014: "DIAMETER_INVALID_AVP_LENGTH", 5015: "DIAMETER_INVALID_MESSAGE_LENGTH",
    5016: "DIAMETER_INVALID_AVP_BIT_COMBO", 5017: "DIAMETER_NO_COMMON_SECURITY",
    5018: "DIAMETER_RADIUS_AVP_UNTRANSLATABLE", 5030: "DIAMETER_USER_UNKNOWN", 5031: "DIAMETER_RATING_FAILED",
    5032: "DIAMETER_ERROR_USER_UNKNOWN", 5033: "DIAMETER_ERROR_IDENTITIES_DONT_MATCH",
    5034: "DIAMETER_ERROR_IDENTITY_NOT_REGISTERED", 5035: "DIAMETER_ERROR_ROAMING_NOT_ALLOWED",
    5036: "DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED", 5037: "DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED",
    5038: "DIAMETER_ERROR_IN_ASSIGNMENT_TYPE", 5039: "DIAMETER_ERROR_TOO_MUCH_DATA",
    5040: "DIAMETER_ERROR_NOT_SUPPORTED_USER_DATA", 5048: "DIAMETER_ERROR_EAP_CODE_UNKNOWN",
}  # fmt: skip
"""Values of Result-Code by name."""

EXPERIMENTAL_RESULTS = {
    2001: "DIAMETER_FIRST_REGISTRATION", 2002: "DIAMETER_SUBSEQUENT_REGISTRATION",
    2003: "DIAMETER_UNREGISTERED_SERVICE", 2004: "DIAMETER_SUCCESS_SERVER_NAME_NOT_STORED",
    4100: "DIAMETER_USER_DATA_NOT_AVAILABLE", 4101: "DIAMETER_PRIOR_UPDATE_IN_PROGRESS",
    4141: "DIAMETER_PCC_BEARER_EVENT", 4142: "DIAMETER_BEARER_EVENT", 4143: "DIAMETER_AN_GW_FAILED",
    4144: "DIAMETER_PENDING_TRANSACTION", 4181: "DIAMETER_AUTHENTICATION_DATA_UNAVAILABLE",
    4182: "DIAMETER_ERROR_CAMEL_SUBSCRIPTION_PRESENT", 4201: "DIAMETER_ERROR_ABSENT_USER",
    4221: "DIAMETER_ERROR_UNREACHABLE_USER", 5001: "DIAMETER_ERROR_USER_UNKNOWN",
    5002: "DIAMETER_ERROR_IDENTITIES_DONT_MATCH", 5003: "DIAMETER_ERROR_IDENTITY_NOT_REGISTERED",
    5004: "DIAMETER_ERROR_ROAMING_NOT_ALLOWED", 5005: "DIAMETER_ERROR_IDENTITY_ALREADY_REGISTERED",
    5006: "DIAMETER_ERROR_AUTH_SCHEME_NOT_SUPPORTED", 5007: "DIAMETER_ERROR_IN_ASSIGNMENT_TYPE",
    5008: "DIAMETER_ERROR_TOO_MUCH_DATA", 5009: "DIAMETER_ERROR_NOT_SUPPORTED_USER_DATA",
    5011: "DIAMETER_ERROR_FEATURE_UNSUPPORTED", 5012: "DIAMETER_ERROR_SERVING_NODE_FEATURE_UNSUPPORTED",
    5061: "INVALID_SERVICE_INFORMATION", 5062: "FILTER_RESTRICTIONS", 5063: "REQUESTED_SERVICE_NOT_AUTHORIZED",
    5064: "DUPLICATED_AF_SESSION", 5065: "IP-CAN_SESSION_NOT_AVAILABLE",
    5100: "DIAMETER_ERROR_USER_DATA_NOT_RECOGNIZED", 5101: "DIAMETER_ERROR_OPERATION_NOT_ALLOWED",
    5102: "DIAMETER_ERROR_USER_DATA_CANNOT_BE_READ", 5103: "DIAMETER_ERROR_USER_DATA_CANNOT_BE_MODIFIED",
    5104: "DIAMETER_ERROR_USER_DATA_CANNOT_BE_NOTIFIED", 5105: "DIAMETER_ERROR_TRANSPARENT_DATA_OUT_OF_SYNC",
    5106: "DIAMETER_ERROR_SUBS_DATA_ABSENT", 5107: "DIAMETER_ERROR_NO_SUBSCRIPTION_TO_DATA",
    5108: "DIAMETER_ERROR_DSAI_NOT_AVAILABLE", 5140: "DIAMETER_ERROR_INITIAL_PARAMETERS",
    5141: "DIAMETER_ERROR_TRIGGER_EVENT", 5142: "DIAMETER_PCC_RULE_EVENT",
    5143: "DIAMETER_ERROR_BEARER_NOT_AUTHORIZED", 5144: "DIAMETER_ERROR_TRAFFIC_MAPPING_INFO_REJECTED",
    5147: "DIAMETER_ERROR_CONFLICTING_REQUEST", 5148: "DIAMETER_ADC_RULE_EVENT",
    5420: "DIAMETER_ERROR_UNKNOWN_EPS_SUBSCRIPTION", 5421: "DIAMETER_ERROR_RAT_NOT_ALLOWED",
    5422: "DIAMETER_ERROR_EQUIPMENT_UNKNOWN", 5423: "DIAMETER_ERROR_UNKNOWN_SERVING_NODE",
    5550: "DIAMETER_ERROR_ABSENT_USER", 5570: "DIAMETER_ERROR_UNKNOWN_POLICY_COUNTERS",
}  # fmt: skip
"""Values of Experimental-Result-Code by name, as 3GPP uses them (TS 29.230 section 8.1)."""

OCTETS, UTF8, UNSIGNED, SIGNED, GROUPED, ADDRESS, TIME, SECRET = (
    "octets", "utf8", "unsigned", "signed", "grouped", "address", "time", "secret",
)  # fmt: skip
"""Formats of AVPs (RFC 6733 section 4.2 and 4.3), DiameterIdentity and DiameterURI being text, and Enumerated a number.
SECRET: only its length is ever shown."""

_BASE = """
1 User-Name utf8; 2 User-Password secret; 4 NAS-IP-Address octets; 5 NAS-Port unsigned; 6 Service-Type unsigned;
7 Framed-Protocol unsigned; 8 Framed-IP-Address octets; 18 Reply-Message utf8; 24 State octets; 25 Class octets;
27 Session-Timeout unsigned; 28 Idle-Timeout unsigned; 30 Called-Station-Id utf8; 31 Calling-Station-Id utf8;
32 NAS-Identifier utf8; 33 Proxy-State octets; 44 Accounting-Session-Id octets; 46 Acct-Session-Time unsigned;
50 Acct-Multi-Session-Id utf8; 55 Event-Timestamp time; 61 NAS-Port-Type unsigned; 69 Tunnel-Password secret;
79 EAP-Message secret; 85 Acct-Interim-Interval unsigned; 87 NAS-Port-Id utf8; 95 NAS-IPv6-Address octets;
257 Host-IP-Address address; 258 Auth-Application-Id unsigned; 259 Acct-Application-Id unsigned;
260 Vendor-Specific-Application-Id grouped; 261 Redirect-Host-Usage unsigned; 262 Redirect-Max-Cache-Time unsigned;
263 Session-Id utf8; 264 Origin-Host utf8; 265 Supported-Vendor-Id unsigned; 266 Vendor-Id unsigned;
267 Firmware-Revision unsigned; 268 Result-Code unsigned; 269 Product-Name utf8; 270 Session-Binding unsigned;
271 Session-Server-Failover unsigned; 272 Multi-Round-Time-Out unsigned; 273 Disconnect-Cause unsigned;
274 Auth-Request-Type unsigned; 276 Auth-Grace-Period unsigned; 277 Auth-Session-State unsigned;
278 Origin-State-Id unsigned; 279 Failed-AVP grouped; 280 Proxy-Host utf8; 281 Error-Message utf8;
282 Route-Record utf8; 283 Destination-Realm utf8; 284 Proxy-Info grouped; 285 Re-Auth-Request-Type unsigned;
287 Accounting-Sub-Session-Id unsigned; 291 Authorization-Lifetime unsigned; 292 Redirect-Host utf8;
293 Destination-Host utf8; 294 Error-Reporting-Host utf8; 295 Termination-Cause unsigned; 296 Origin-Realm utf8;
297 Experimental-Result grouped; 298 Experimental-Result-Code unsigned; 299 Inband-Security-Id unsigned;
400 NAS-Filter-Rule utf8; 401 Tunneling grouped; 402 CHAP-Auth secret; 403 CHAP-Algorithm unsigned;
404 CHAP-Ident octets; 405 CHAP-Response secret; 408 Origin-AAA-Protocol unsigned; 411 CC-Correlation-Id octets;
412 CC-Input-Octets unsigned; 413 CC-Money grouped; 414 CC-Output-Octets unsigned; 415 CC-Request-Number unsigned;
416 CC-Request-Type unsigned; 417 CC-Service-Specific-Units unsigned; 418 CC-Session-Failover unsigned;
419 CC-Sub-Session-Id unsigned; 420 CC-Time unsigned; 421 CC-Total-Octets unsigned; 422 Check-Balance-Result unsigned;
423 Cost-Information grouped; 424 Cost-Unit utf8; 425 Currency-Code unsigned; 426 Credit-Control unsigned;
427 Credit-Control-Failure-Handling unsigned; 428 Direct-Debiting-Failure-Handling unsigned; 429 Exponent signed;
430 Final-Unit-Indication grouped; 431 Granted-Service-Unit grouped; 432 Rating-Group unsigned;
433 Redirect-Address-Type unsigned; 434 Redirect-Server grouped; 435 Redirect-Server-Address utf8;
436 Requested-Action unsigned; 437 Requested-Service-Unit grouped; 438 Restriction-Filter-Rule utf8;
439 Service-Identifier unsigned; 440 Service-Parameter-Info grouped; 441 Service-Parameter-Type unsigned;
442 Service-Parameter-Value octets; 443 Subscription-Id grouped; 444 Subscription-Id-Data utf8; 445 Unit-Value grouped;
446 Used-Service-Unit grouped; 447 Value-Digits signed; 448 Validity-Time unsigned; 449 Final-Unit-Action unsigned;
450 Subscription-Id-Type unsigned; 451 Tariff-Time-Change time; 452 Tariff-Change-Usage unsigned;
453 G-S-U-Pool-Identifier unsigned; 454 CC-Unit-Type unsigned; 455 Multiple-Services-Indicator unsigned;
456 Multiple-Services-Credit-Control grouped; 457 G-S-U-Pool-Reference grouped; 458 User-Equipment-Info grouped;
459 User-Equipment-Info-Type unsigned; 460 User-Equipment-Info-Value octets; 461 Service-Context-Id utf8;
462 EAP-Payload secret; 463 EAP-Reissued-Payload secret; 464 EAP-Master-Session-Key secret;
480 Accounting-Record-Type unsigned; 483 Accounting-Realtime-Required unsigned; 485 Accounting-Record-Number unsigned;
621 OC-Supported-Features grouped; 623 OC-OLR grouped
"""

_3GPP = """
1 3GPP-IMSI utf8; 2 3GPP-Charging-Id octets; 6 3GPP-SGSN-Address octets; 7 3GPP-GGSN-Address octets;
8 3GPP-IMSI-MCC-MNC utf8; 13 3GPP-Charging-Characteristics utf8; 18 3GPP-SGSN-MCC-MNC utf8; 20 3GPP-IMEISV octets;
21 3GPP-RAT-Type octets; 22 3GPP-User-Location-Info octets; 23 3GPP-MS-TimeZone octets;
600 Visited-Network-Identifier octets; 601 Public-Identity utf8; 602 Server-Name utf8;
603 Server-Capabilities grouped; 604 Mandatory-Capability unsigned; 606 User-Data octets;
607 SIP-Number-Auth-Items unsigned; 608 SIP-Authentication-Scheme utf8; 609 SIP-Authenticate secret;
610 SIP-Authorization secret; 611 SIP-Authentication-Context secret; 612 SIP-Auth-Data-Item grouped;
613 SIP-Item-Number unsigned; 614 Server-Assignment-Type unsigned; 615 Deregistration-Reason grouped;
616 Reason-Code unsigned; 617 Reason-Info utf8; 618 Charging-Information grouped;
623 User-Authorization-Type unsigned; 624 User-Data-Already-Available unsigned; 625 Confidentiality-Key secret;
626 Integrity-Key secret; 628 Supported-Features grouped; 629 Feature-List-ID unsigned; 630 Feature-List unsigned;
700 User-Identity grouped; 701 MSISDN octets; 702 User-Data octets; 703 Data-Reference unsigned;
704 Service-Indication octets; 705 Subs-Req-Type unsigned; 873 Service-Information grouped;
874 PS-Information grouped; 1000 Bearer-Usage unsigned; 1001 Charging-Rule-Install grouped;
1002 Charging-Rule-Remove grouped; 1003 Charging-Rule-Definition grouped; 1004 Charging-Rule-Base-Name utf8;
1005 Charging-Rule-Name octets; 1006 Event-Trigger unsigned; 1016 QoS-Information grouped;
1018 Charging-Rule-Report grouped; 1019 PCC-Rule-Status unsigned; 1024 Network-Request-Support unsigned;
1027 IP-CAN-Type unsigned; 1028 QoS-Class-Identifier unsigned; 1029 QoS-Negotiation unsigned;
1031 Rule-Failure-Code unsigned; 1032 RAT-Type unsigned; 1034 Allocation-Retention-Priority grouped;
1045 Session-Release-Cause unsigned; 1046 Priority-Level unsigned; 1049 Default-EPS-Bearer-QoS grouped;
1050 AN-GW-Address address; 1067 Usage-Monitoring-Information grouped; 1400 Subscription-Data grouped;
1401 Terminal-Information grouped; 1402 IMEI utf8; 1403 Software-Version utf8; 1405 ULR-Flags unsigned;
1406 ULA-Flags unsigned; 1407 Visited-PLMN-Id octets; 1408 Requested-EUTRAN-Authentication-Info grouped;
1410 Number-Of-Requested-Vectors unsigned; 1411 Re-Synchronization-Info secret;
1412 Immediate-Response-Preferred unsigned; 1413 Authentication-Info grouped; 1414 E-UTRAN-Vector grouped;
1415 UTRAN-Vector grouped; 1416 GERAN-Vector grouped; 1420 Cancellation-Type unsigned; 1421 DSR-Flags unsigned;
1424 Subscriber-Status unsigned; 1429 APN-Configuration-Profile grouped; 1430 APN-Configuration grouped;
1441 IDA-Flags unsigned; 1442 PUA-Flags unsigned; 1443 NOR-Flags unsigned; 1445 Equipment-Status unsigned;
1447 RAND secret; 1448 XRES secret; 1449 AUTN secret; 1450 KASME secret; 1453 Kc secret; 1454 SRES secret;
1490 IDR-Flags unsigned; 1493 SGSN-Number octets; 1615 UE-SRVCC-Capability unsigned; 2050 PDN-Connection-ID octets
"""


def _avps(table: str) -> dict[int, tuple[str, str]]:
    found = {}
    for line in table.replace("\n", " ").split(";"):
        number, name, form = line.split()
        found[int(number)] = (name, form)
    return found


AVPS = _avps(_BASE)
"""AVP code -> (name, format), of no vendor."""

AVPS_3GPP = _avps(_3GPP)
"""AVP code -> (name, format), of 3GPP (vendor 10415)."""

ENUMERATIONS: dict[str, dict[int, str]] = {
    "CC-Request-Type": {1: "INITIAL_REQUEST", 2: "UPDATE_REQUEST", 3: "TERMINATION_REQUEST", 4: "EVENT_REQUEST"},
    "Accounting-Record-Type": {1: "EVENT_RECORD", 2: "START_RECORD", 3: "INTERIM_RECORD", 4: "STOP_RECORD"},
    "Disconnect-Cause": {0: "REBOOTING", 1: "BUSY", 2: "DO_NOT_WANT_TO_TALK_TO_YOU"},
    "Auth-Session-State": {0: "STATE_MAINTAINED", 1: "NO_STATE_MAINTAINED"},
    "Auth-Request-Type": {1: "AUTHENTICATE_ONLY", 2: "AUTHORIZE_ONLY", 3: "AUTHORIZE_AUTHENTICATE"},
    "Re-Auth-Request-Type": {0: "AUTHORIZE_ONLY", 1: "AUTHORIZE_AUTHENTICATE"},
    "Termination-Cause": {
        1: "DIAMETER_LOGOUT",
        2: "DIAMETER_SERVICE_NOT_PROVIDED",
        3: "DIAMETER_BAD_ANSWER",
        4: "DIAMETER_ADMINISTRATIVE",
        5: "DIAMETER_LINK_BROKEN",
        6: "DIAMETER_AUTH_EXPIRED",
        7: "DIAMETER_USER_MOVED",
        8: "DIAMETER_SESSION_TIMEOUT",
    },
    "Subscription-Id-Type": {
        0: "END_USER_E164",
        1: "END_USER_IMSI",
        2: "END_USER_SIP_URI",
        3: "END_USER_NAI",
        4: "END_USER_PRIVATE",
    },
    "Result-Code": RESULTS,
    "Experimental-Result-Code": EXPERIMENTAL_RESULTS,
}
"""Name of an AVP -> its values by name."""
