"""Names of ICMP and ICMPv6 types and codes (IANA "ICMP Parameters" and "ICMPv6 Parameters")."""

from __future__ import annotations

TYPES: dict[int, dict[int, str]] = {
    4: {
        0: "Echo Reply",
        3: "Destination Unreachable",
        4: "Source Quench",
        5: "Redirect",
        6: "Alternate Host Address",
        8: "Echo Request",
        9: "Router Advertisement",
        10: "Router Solicitation",
        11: "Time Exceeded",
        12: "Parameter Problem",
        13: "Timestamp Request",
        14: "Timestamp Reply",
        15: "Information Request",
        16: "Information Reply",
        17: "Address Mask Request",
        18: "Address Mask Reply",
        30: "Traceroute",
        31: "Datagram Conversion Error",
        32: "Mobile Host Redirect",
        37: "Domain Name Request",
        38: "Domain Name Reply",
        40: "Photuris",
        41: "Experimental Mobility",
        42: "Extended Echo Request",
        43: "Extended Echo Reply",
    },
    6: {
        1: "Destination Unreachable",
        2: "Packet Too Big",
        3: "Time Exceeded",
        4: "Parameter Problem",
        128: "Echo Request",
        129: "Echo Reply",
        130: "Multicast Listener Query",
        131: "Multicast Listener Report",
        132: "Multicast Listener Done",
        133: "Router Solicitation",
        134: "Router Advertisement",
        135: "Neighbor Solicitation",
        136: "Neighbor Advertisement",
        137: "Redirect",
        138: "Router Renumbering",
        139: "Node Information Query",
        140: "Node Information Response",
        141: "Inverse Neighbor Discovery Solicitation",
        142: "Inverse Neighbor Discovery Advertisement",
        143: "Multicast Listener Report v2",
        144: "Home Agent Address Discovery Request",
        145: "Home Agent Address Discovery Reply",
        146: "Mobile Prefix Solicitation",
        147: "Mobile Prefix Advertisement",
        148: "Certification Path Solicitation",
        149: "Certification Path Advertisement",
        151: "Multicast Router Advertisement",
        152: "Multicast Router Solicitation",
        153: "Multicast Router Termination",
        154: "FMIPv6",
        155: "RPL Control",
        157: "Duplicate Address Request",
        158: "Duplicate Address Confirmation",
        159: "MPL Control",
        160: "Extended Echo Request",
        161: "Extended Echo Reply",
    },
}
"""IP version -> type -> name."""

_EXTENDED_ECHO = ("No Error", "Malformed Query", "No Such Interface", "No Such Table Entry", "Multiple Interfaces")

CODES: dict[tuple[int, int], tuple[str, ...]] = {
    (4, 3): (
        "Network Unreachable",
        "Host Unreachable",
        "Protocol Unreachable",
        "Port Unreachable",
        "Fragmentation Needed",
        "Source Route Failed",
        "Destination Network Unknown",
        "Destination Host Unknown",
        "Source Host Isolated",
        "Network Administratively Prohibited",
        "Host Administratively Prohibited",
        "Network Unreachable for Type of Service",
        "Host Unreachable for Type of Service",
        "Communication Administratively Prohibited",
        "Host Precedence Violation",
        "Precedence Cutoff",
    ),
    (4, 5): (
        "Redirect for Network",
        "Redirect for Host",
        "Redirect for Type of Service and Network",
        "Redirect for Type of Service and Host",
    ),
    (4, 11): ("TTL Exceeded in Transit", "Fragment Reassembly Time Exceeded"),
    (4, 12): ("Pointer Indicates the Error", "Missing a Required Option", "Bad Length"),
    (4, 40): ("Bad SPI", "Authentication Failed", "Decompression Failed", "Decryption Failed", "Need Authentication"),
    (4, 43): _EXTENDED_ECHO,
    (6, 1): (
        "No Route to Destination",
        "Communication Administratively Prohibited",
        "Beyond Scope of Source Address",
        "Address Unreachable",
        "Port Unreachable",
        "Source Address Failed Policy",
        "Reject Route to Destination",
        "Error in Source Routing Header",
        "Headers Too Long",
    ),
    (6, 3): ("Hop Limit Exceeded in Transit", "Fragment Reassembly Time Exceeded"),
    (6, 4): (
        "Erroneous Header Field",
        "Unrecognized Next Header",
        "Unrecognized IPv6 Option",
        "Incomplete IPv6 Header Chain in First Fragment",
        "SR Upper-Layer Header Error",
        "Unrecognized Next Header by Intermediate Node",
        "Extension Header Too Big",
        "Extension Header Chain Too Long",
        "Too Many Extension Headers",
        "Too Many Options in Extension Header",
        "Option Too Big",
    ),
    (6, 140): ("Success", "Refused", "Unknown Query Type"),
    (6, 161): _EXTENDED_ECHO,
}
"""(IP version, type) -> names of the codes from 0 on."""


def type_name(version: int, number: int) -> str:
    """Name a type; one that IANA does not list goes by its number."""
    return TYPES[version].get(number) or f"Type {number}"


def code_name(version: int, number: int, code: int) -> str:
    """Name a code: empty where the type has only code 0, by its number where it has no name."""
    names = CODES.get((version, number), ())
    if code < len(names):
        return names[code]
    return f"Code {code}" if code or names else ""
