"""RADIUS numbers by name: packet codes, attributes with their kinds of value, enumerations, vendors.

IANA "RADIUS Types" (RFC 2865, 2866, 2867, 2868, 2869, 3162, 3576/5176, 4072, 4372, 4675, 4818, 5090, 6911, 7155).
"""

from __future__ import annotations

CODES = {
    1: "Access-Request",
    2: "Access-Accept",
    3: "Access-Reject",
    4: "Accounting-Request",
    5: "Accounting-Response",
    6: "Accounting-Status",
    7: "Password-Request",
    8: "Password-Ack",
    9: "Password-Reject",
    10: "Accounting-Message",
    11: "Access-Challenge",
    12: "Status-Server",
    13: "Status-Client",
    21: "Resource-Free-Request",
    22: "Resource-Free-Response",
    23: "Resource-Query-Request",
    24: "Resource-Query-Response",
    25: "Alternate-Resource-Reclaim-Request",
    26: "NAS-Reboot-Request",
    27: "NAS-Reboot-Response",
    29: "Next-Passcode",
    30: "New-Pin",
    31: "Terminate-Session",
    32: "Password-Expired",
    33: "Event-Request",
    34: "Event-Response",
    40: "Disconnect-Request",
    41: "Disconnect-ACK",
    42: "Disconnect-NAK",
    43: "CoA-Request",
    44: "CoA-ACK",
    45: "CoA-NAK",
    50: "IP-Address-Allocate",
    51: "IP-Address-Release",
    52: "Protocol-Error",
}
"""Packet codes by name (RFC 2865, RFC 2866, RFC 2882, RFC 5176, RFC 7930)."""

ANSWERS = {
    2: frozenset({1, 12}),
    3: frozenset({1, 12}),
    5: frozenset({4, 12}),
    8: frozenset({7}),
    9: frozenset({7}),
    11: frozenset({1}),
    22: frozenset({21}),
    24: frozenset({23}),
    27: frozenset({26}),
    34: frozenset({33}),
    41: frozenset({40}),
    42: frozenset({40}),
    44: frozenset({43}),
    45: frozenset({43}),
    52: frozenset({1, 4, 7, 12, 40, 43}),
}
"""Code of an answer -> codes of the requests that it may answer (RFC 2865, 2866, 2882, 5176, 5997, 7930)."""

REFUSALS = frozenset({3, 9, 42, 45, 52})
"""Codes of answers that say no."""

TEXT, OCTETS, INTEGER, ADDRESS, DATE, ADDRESS6, PREFIX6, INTERFACE, PREFIX4 = (
    "text", "octets", "integer", "address", "date", "address6", "prefix6", "interface", "prefix4",
)  # fmt: skip
TAGGED_TEXT, TAGGED_INTEGER, VENDOR, SECRET, LONG, EXTENDED = (
    "tagged text", "tagged integer", "vendor", "secret", "long", "extended",
)  # fmt: skip
"""Kinds of values (RFC 8044, RFC 2868 for tags). SECRET: only its length is ever shown."""

_TABLE = """
1 User-Name text; 2 User-Password secret; 3 CHAP-Password secret; 4 NAS-IP-Address address; 5 NAS-Port integer;
6 Service-Type integer; 7 Framed-Protocol integer; 8 Framed-IP-Address address; 9 Framed-IP-Netmask address;
10 Framed-Routing integer; 11 Filter-Id text; 12 Framed-MTU integer; 13 Framed-Compression integer;
14 Login-IP-Host address; 15 Login-Service integer; 16 Login-TCP-Port integer; 17 Old-Password secret;
18 Reply-Message text; 19 Callback-Number text; 20 Callback-Id text; 22 Framed-Route text;
23 Framed-IPX-Network address; 24 State octets; 25 Class octets; 26 Vendor-Specific vendor; 27 Session-Timeout integer;
28 Idle-Timeout integer; 29 Termination-Action integer; 30 Called-Station-Id text; 31 Calling-Station-Id text;
32 NAS-Identifier text; 33 Proxy-State octets; 34 Login-LAT-Service text; 35 Login-LAT-Node text;
36 Login-LAT-Group octets; 37 Framed-AppleTalk-Link integer; 38 Framed-AppleTalk-Network integer;
39 Framed-AppleTalk-Zone text; 40 Acct-Status-Type integer; 41 Acct-Delay-Time integer; 42 Acct-Input-Octets integer;
43 Acct-Output-Octets integer; 44 Acct-Session-Id text; 45 Acct-Authentic integer; 46 Acct-Session-Time integer;
47 Acct-Input-Packets integer; 48 Acct-Output-Packets integer; 49 Acct-Terminate-Cause integer;
50 Acct-Multi-Session-Id text; 51 Acct-Link-Count integer; 52 Acct-Input-Gigawords integer;
53 Acct-Output-Gigawords integer; 55 Event-Timestamp date; 56 Egress-VLANID integer; 57 Ingress-Filters integer;
58 Egress-VLAN-Name text; 59 User-Priority-Table octets; 60 CHAP-Challenge octets; 61 NAS-Port-Type integer;
62 Port-Limit integer; 63 Login-LAT-Port text; 64 Tunnel-Type tagged-integer; 65 Tunnel-Medium-Type tagged-integer;
66 Tunnel-Client-Endpoint tagged-text; 67 Tunnel-Server-Endpoint tagged-text; 68 Acct-Tunnel-Connection text;
69 Tunnel-Password secret; 70 ARAP-Password secret; 71 ARAP-Features octets; 72 ARAP-Zone-Access integer;
73 ARAP-Security integer; 74 ARAP-Security-Data secret; 75 Password-Retry integer; 76 Prompt integer;
77 Connect-Info text; 78 Configuration-Token text; 79 EAP-Message secret; 80 Message-Authenticator secret;
81 Tunnel-Private-Group-ID tagged-text; 82 Tunnel-Assignment-ID tagged-text; 83 Tunnel-Preference tagged-integer;
84 ARAP-Challenge-Response secret; 85 Acct-Interim-Interval integer; 86 Acct-Tunnel-Packets-Lost integer;
87 NAS-Port-Id text; 88 Framed-Pool text; 89 Chargeable-User-Identity octets; 90 Tunnel-Client-Auth-ID tagged-text;
91 Tunnel-Server-Auth-ID tagged-text; 92 NAS-Filter-Rule text; 94 Originating-Line-Info octets;
95 NAS-IPv6-Address address6; 96 Framed-Interface-Id interface; 97 Framed-IPv6-Prefix prefix6;
98 Login-IPv6-Host address6; 99 Framed-IPv6-Route text; 100 Framed-IPv6-Pool text; 101 Error-Cause integer;
102 EAP-Key-Name octets; 103 Digest-Response secret; 104 Digest-Realm text; 105 Digest-Nonce text;
106 Digest-Response-Auth secret; 107 Digest-Nextnonce text; 108 Digest-Method text; 109 Digest-URI text;
110 Digest-Qop text; 111 Digest-Algorithm text; 112 Digest-Entity-Body-Hash text; 113 Digest-CNonce text;
114 Digest-Nonce-Count text; 115 Digest-Username text; 116 Digest-Opaque text; 117 Digest-Auth-Param text;
118 Digest-AKA-Auts text; 119 Digest-Domain text; 120 Digest-Stale text; 121 Digest-HA1 secret; 122 SIP-AOR text;
123 Delegated-IPv6-Prefix prefix6; 124 MIP6-Feature-Vector long; 125 MIP6-Home-Link-Prefix prefix6;
126 Operator-Name text; 127 Location-Information octets; 128 Location-Data octets;
129 Basic-Location-Policy-Rules octets; 130 Extended-Location-Policy-Rules octets;
131 Location-Capable integer; 132 Requested-Location-Info integer;
133 Framed-Management-Protocol integer; 134 Management-Transport-Protection integer; 135 Management-Policy-Id text;
136 Management-Privilege-Level integer; 137 PKM-SS-Cert octets; 138 PKM-CA-Cert octets; 139 PKM-Config-Settings octets;
140 PKM-Cryptosuite-List octets; 141 PKM-SAID octets; 142 PKM-SA-Descriptor octets; 143 PKM-Auth-Key secret;
144 DS-Lite-Tunnel-Name text; 145 Mobile-Node-Identifier octets; 146 Service-Selection text;
147 PMIP6-Home-LMA-IPv6-Address address6; 148 PMIP6-Visited-LMA-IPv6-Address address6;
149 PMIP6-Home-LMA-IPv4-Address address; 150 PMIP6-Visited-LMA-IPv4-Address address; 151 PMIP6-Home-HN-Prefix prefix6;
152 PMIP6-Visited-HN-Prefix prefix6; 153 PMIP6-Home-Interface-ID interface; 154 PMIP6-Visited-Interface-ID interface;
155 PMIP6-Home-IPv4-HoA prefix4; 156 PMIP6-Visited-IPv4-HoA prefix4; 157 PMIP6-Home-DHCP4-Server-Address address;
158 PMIP6-Visited-DHCP4-Server-Address address; 159 PMIP6-Home-DHCP6-Server-Address address6;
160 PMIP6-Visited-DHCP6-Server-Address address6; 161 PMIP6-Home-IPv4-Gateway address;
162 PMIP6-Visited-IPv4-Gateway address; 163 EAP-Lower-Layer integer; 164 GSS-Acceptor-Service-Name text;
165 GSS-Acceptor-Host-Name text; 166 GSS-Acceptor-Service-Specifics text; 167 GSS-Acceptor-Realm-Name text;
168 Framed-IPv6-Address address6; 169 DNS-Server-IPv6-Address address6; 170 Route-IPv6-Information prefix6;
171 Delegated-IPv6-Prefix-Pool text; 172 Stateful-IPv6-Address-Pool text; 174 Allowed-Called-Station-Id text;
175 EAP-Peer-Id octets; 176 EAP-Server-Id octets; 177 Mobility-Domain-Id integer; 178 Preauth-Timeout integer;
179 Network-Id-Name octets; 180 EAPoL-Announcement octets; 181 WLAN-HESSID text; 182 WLAN-Venue-Info integer;
183 WLAN-Venue-Language octets; 184 WLAN-Venue-Name text; 185 WLAN-Reason-Code integer;
186 WLAN-Pairwise-Cipher integer; 187 WLAN-Group-Cipher integer; 188 WLAN-AKM-Suite integer;
189 WLAN-Group-Mgmt-Cipher integer; 190 WLAN-RF-Band integer; 241 Extended-Attribute-1 extended;
242 Extended-Attribute-2 extended; 243 Extended-Attribute-3 extended; 244 Extended-Attribute-4 extended;
245 Extended-Attribute-5 extended; 246 Extended-Attribute-6 extended
"""


def _attributes() -> dict[int, tuple[str, str]]:
    found = {}
    for line in _TABLE.replace("\n", " ").split(";"):
        number, name, kind = line.split()
        found[int(number)] = (name, kind.replace("-", " "))
    return found


ATTRIBUTES = _attributes()
"""Attribute type -> (name, kind of value)."""


def _values(first: int, names: str) -> dict[int, str]:
    return dict(enumerate(names.split(), first))


VALUES: dict[int, dict[int, str]] = {
    6: _values(
        1,
        "Login Framed Callback-Login Callback-Framed Outbound Administrative NAS-Prompt Authenticate-Only "
        "Callback-NAS-Prompt Call-Check Callback-Administrative Voice Fax Modem-Relay IAPP-Register IAPP-AP-Check "
        "Authorize-Only Framed-Management Additional-Authorization",
    ),
    7: _values(1, "PPP SLIP ARAP Gandalf-SLML Xylogics-IPX-SLIP X.75-Synchronous GPRS-PDP-Context"),
    15: _values(0, "Telnet Rlogin TCP-Clear PortMaster LAT X25-PAD X25-T3POS Unassigned TCP-Clear-Quiet"),
    29: _values(0, "Default RADIUS-Request"),
    40: _values(1, "Start Stop Interim-Update")
    | _values(7, "Accounting-On Accounting-Off Tunnel-Start Tunnel-Stop Tunnel-Reject")
    | _values(12, "Tunnel-Link-Start Tunnel-Link-Stop Tunnel-Link-Reject Failed"),
    45: _values(1, "RADIUS Local Remote Diameter"),
    49: _values(
        1,
        "User-Request Lost-Carrier Lost-Service Idle-Timeout Session-Timeout Admin-Reset Admin-Reboot Port-Error "
        "NAS-Error NAS-Request NAS-Reboot Port-Unneeded Port-Preempted Port-Suspended Service-Unavailable Callback "
        "User-Error Host-Request Supplicant-Restart Reauthentication-Failure Port-Reinitialized "
        "Port-Administratively-Disabled Lost-Power",
    ),
    61: _values(
        0,
        "Async Sync ISDN-Sync ISDN-Async-V.120 ISDN-Async-V.110 Virtual PIAFS HDLC-Clear-Channel X.25 X.75 G.3-Fax "
        "SDSL ADSL-CAP ADSL-DMT IDSL Ethernet xDSL Cable Wireless-Other Wireless-802.11 Token-Ring FDDI "
        "Wireless-CDMA2000 Wireless-UMTS Wireless-1X-EV IAPP",
    ),
    64: _values(1, "PPTP L2F L2TP ATMP VTP AH IP-IP MIN-IP-IP ESP GRE DVS IP-in-IP-Tunneling VLAN"),
    65: _values(1, "IPv4 IPv6 NSAP HDLC BBN-1822 IEEE-802"),
    76: _values(0, "No-Echo Echo"),
    101: _values(201, "Residual-Session-Context-Removed Invalid-EAP-Packet")
    | _values(
        401,
        "Unsupported-Attribute Missing-Attribute NAS-Identification-Mismatch Invalid-Request Unsupported-Service "
        "Unsupported-Extension Invalid-Attribute-Value",
    )
    | _values(
        501,
        "Administratively-Prohibited Request-Not-Routable Session-Context-Not-Found Session-Context-Not-Removable "
        "Other-Proxy-Processing-Error Resources-Unavailable Request-Initiated "
        "Multiple-Session-Selection-Unsupported Location-Info-Required",
    )
    | {601: "Response-Too-Big"},
}
"""Attribute type -> its enumerated values by name."""

VENDORS = {
    9: "Cisco", 43: "3Com", 52: "Cabletron", 117: "Acc", 166: "Shiva", 171: "D-Link", 244: "Digium", 272: "BinTec",
    307: "Livingston", 311: "Microsoft", 343: "Intel", 388: "Symbol", 429: "USR", 529: "Ascend", 800: "Alcatel",
    1584: "Bay-Networks", 1588: "Brocade", 1916: "Extreme", 1991: "Foundry", 2011: "Huawei", 2272: "Nortel",
    2334: "Packeteer", 2352: "Redback", 2636: "Juniper", 3041: "Cosine", 3076: "Altiga", 3224: "NetScreen",
    3309: "Nomadix", 3551: "SpringTide", 3561: "ADSL-Forum", 3717: "ITK", 3902: "ZTE", 4329: "Unisphere",
    4491: "CableLabs", 4846: "Lucent", 4874: "ERX", 5535: "3GPP2", 5624: "Enterasys", 5842: "BlueCoat",
    5925: "ITK", 6527: "Nokia", 6889: "Avaya", 7000: "Aptis", 8164: "Starent", 8744: "Colubris", 9048: "Airespace",
    10055: "Karlnet", 10415: "3GPP", 11344: "FreeRADIUS", 12356: "Fortinet", 12951: "Verizon", 13191: "Alvarion",
    14122: "WISPr", 14179: "Airespace", 14525: "Trapeze", 14823: "Aruba", 14988: "MikroTik", 16122: "Waverider",
    17163: "Riverbed", 18146: "Telrad", 20942: "SonicWall", 21839: "Freeswitch", 23735: "Ericsson",
    24023: "Travelping", 24757: "WiMAX", 25053: "Ruckus", 25461: "Palo-Alto", 25506: "H3C", 25622: "UKERNA",
    26928: "Aerohive", 29671: "Meraki", 30065: "Arista", 40808: "WFA", 41112: "Ubiquiti", 47196: "HPE",
}  # fmt: skip
"""IANA private enterprise numbers that are seen in Vendor-Specific attributes."""

VENDOR_ATTRIBUTES: dict[tuple[int, int], tuple[str, str]] = {
    (9, 1): ("Cisco-AVPair", TEXT),
    (9, 2): ("Cisco-NAS-Port", TEXT),
    (14122, 1): ("WISPr-Location-ID", TEXT),
    (14122, 2): ("WISPr-Location-Name", TEXT),
    (14122, 7): ("WISPr-Bandwidth-Max-Up", INTEGER),
    (14122, 8): ("WISPr-Bandwidth-Max-Down", INTEGER),
    (14988, 1): ("MikroTik-Recv-Limit", INTEGER),
    (14988, 2): ("MikroTik-Xmit-Limit", INTEGER),
    (14988, 3): ("MikroTik-Group", TEXT),
    (14988, 8): ("MikroTik-Rate-Limit", TEXT),
    (14988, 10): ("MikroTik-Host-IP", ADDRESS),
    (14823, 1): ("Aruba-User-Role", TEXT),
    (14823, 2): ("Aruba-User-Vlan", INTEGER),
    (14823, 5): ("Aruba-Essid-Name", TEXT),
    (14823, 6): ("Aruba-Location-Id", TEXT),
    (2636, 1): ("Juniper-Local-User-Name", TEXT),
    (10415, 1): ("3GPP-IMSI", TEXT),
    (10415, 2): ("3GPP-Charging-Id", INTEGER),
    (10415, 3): ("3GPP-PDP-Type", INTEGER),
    (10415, 5): ("3GPP-GPRS-Negotiated-QoS-Profile", TEXT),
    (10415, 6): ("3GPP-SGSN-Address", ADDRESS),
    (10415, 7): ("3GPP-GGSN-Address", ADDRESS),
    (10415, 8): ("3GPP-IMSI-MCC-MNC", TEXT),
    (10415, 9): ("3GPP-GGSN-MCC-MNC", TEXT),
    (10415, 10): ("3GPP-NSAPI", TEXT),
    (10415, 13): ("3GPP-Charging-Characteristics", TEXT),
    (10415, 18): ("3GPP-SGSN-MCC-MNC", TEXT),
    (10415, 21): ("3GPP-RAT-Type", OCTETS),
    (311, 1): ("MS-CHAP-Response", SECRET),
    (311, 2): ("MS-CHAP-Error", TEXT),
    (311, 3): ("MS-CHAP-CPW-1", SECRET),
    (311, 4): ("MS-CHAP-CPW-2", SECRET),
    (311, 5): ("MS-CHAP-LM-Enc-PW", SECRET),
    (311, 6): ("MS-CHAP-NT-Enc-PW", SECRET),
    (311, 7): ("MS-MPPE-Encryption-Policy", INTEGER),
    (311, 8): ("MS-MPPE-Encryption-Types", INTEGER),
    (311, 10): ("MS-CHAP-Domain", OCTETS),
    (311, 11): ("MS-CHAP-Challenge", OCTETS),
    (311, 12): ("MS-CHAP-MPPE-Keys", SECRET),
    (311, 16): ("MS-MPPE-Send-Key", SECRET),
    (311, 17): ("MS-MPPE-Recv-Key", SECRET),
    (311, 25): ("MS-CHAP2-Response", SECRET),
    (311, 26): ("MS-CHAP2-Success", SECRET),
    (311, 27): ("MS-CHAP2-CPW", SECRET),
    (311, 28): ("MS-Primary-DNS-Server", ADDRESS),
    (311, 29): ("MS-Secondary-DNS-Server", ADDRESS),
}
"""(vendor, type) -> (name, kind of value); the others go by vendor and number."""

EAP_CODES = {1: "Request", 2: "Response", 3: "Success", 4: "Failure", 5: "Initiate", 6: "Finish"}
"""RFC 3748 section 4, RFC 6696."""

EAP_TYPES = {
    1: "Identity", 2: "Notification", 3: "Nak", 4: "MD5-Challenge", 5: "OTP", 6: "GTC", 13: "TLS", 17: "LEAP",
    18: "SIM", 21: "TTLS", 23: "AKA", 25: "PEAP", 26: "MSCHAPv2", 29: "MSCHAPv2", 43: "FAST", 47: "PSK", 48: "SAKE",
    49: "IKEv2", 50: "AKA'", 51: "GPSK", 52: "pwd", 53: "EKE", 55: "TEAP", 254: "Expanded",
}  # fmt: skip
"""IANA EAP method types."""
