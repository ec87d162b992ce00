"""Names of LDAP operations, results, controls and extensions (RFC 4511; IANA's LDAP parameters; MS-ADTS 3.1.1.3.4)."""

from __future__ import annotations

BIND, UNBIND, SEARCH, MODIFY, ADD, DELETE, MODIFY_DN = 0x60, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C
COMPARE, ABANDON, EXTENDED = 0x6E, 0x50, 0x77
BOUND, ENTRY, DONE, REFERENCE, EXTENDED_RESPONSE, INTERMEDIATE = 0x61, 0x64, 0x65, 0x73, 0x78, 0x79

REQUESTS = {
    BIND: "bindRequest",
    UNBIND: "unbindRequest",
    SEARCH: "searchRequest",
    MODIFY: "modifyRequest",
    ADD: "addRequest",
    DELETE: "delRequest",
    MODIFY_DN: "modDNRequest",
    COMPARE: "compareRequest",
    ABANDON: "abandonRequest",
    EXTENDED: "extendedReq",
}
RESPONSES = {
    BOUND: "bindResponse",
    ENTRY: "searchResEntry",
    DONE: "searchResDone",
    REFERENCE: "searchResRef",
    0x67: "modifyResponse",
    0x69: "addResponse",
    0x6B: "delResponse",
    0x6D: "modDNResponse",
    0x6F: "compareResponse",
    EXTENDED_RESPONSE: "extendedResp",
    INTERMEDIATE: "intermediateResponse",
}
OPERATIONS = REQUESTS | RESPONSES
"""Name of each protocolOp by its tag."""

WORDS = {
    BIND: "bind", UNBIND: "unbind", SEARCH: "search", MODIFY: "modify", ADD: "add", DELETE: "delete",
    MODIFY_DN: "modifyDN", COMPARE: "compare", ABANDON: "abandon", EXTENDED: "extended",
}  # fmt: skip
"""What a person says for a request."""

FINAL = {
    BIND: BOUND, SEARCH: DONE, MODIFY: 0x67, ADD: 0x69, DELETE: 0x6B, MODIFY_DN: 0x6D, COMPARE: 0x6F,
    EXTENDED: EXTENDED_RESPONSE,
}  # fmt: skip
"""Tag of the response that ends the operation of a request; unbind and abandon have none."""

SCOPES = {0: "baseObject", 1: "singleLevel", 2: "wholeSubtree", 3: "subordinates"}
SHORT_SCOPES = {"baseObject": "base", "singleLevel": "one", "wholeSubtree": "sub", "subordinates": "subordinates"}
"""As LDAP URLs write them (RFC 4516)."""
DEREFERENCES = {0: "neverDerefAliases", 1: "derefInSearching", 2: "derefFindingBaseObj", 3: "derefAlways"}
CHANGES = {0: "add", 1: "delete", 2: "replace", 3: "increment"}

START_TLS = "1.3.6.1.4.1.1466.20037"
DISCONNECTION = "1.3.6.1.4.1.1466.20036"
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"

EXTENSIONS = {
    START_TLS: "StartTLS",
    DISCONNECTION: "Notice of Disconnection",
    PASSWORD_MODIFY: "Password Modify",
    WHO_AM_I: "Who am I?",
    "1.3.6.1.1.8": "Cancel",
    "1.3.6.1.1.19": "Turn",
    "1.3.6.1.1.21.1": "Start Transaction",
    "1.3.6.1.1.21.3": "End Transaction",
    "1.3.6.1.1.21.4": "Aborted Transaction Notice",
    "1.3.6.1.4.1.1466.101.119.1": "Dynamic Refresh",
    "1.3.6.1.4.1.4203.1.9.1.4": "Sync Info",
    "1.2.840.113556.1.4.1781": "Fast Bind",
    "1.2.840.113556.1.4.2212": "Batch Request",
}

CONTROLS = {
    "1.2.840.113556.1.4.319": "pagedResults",
    "1.2.840.113556.1.4.417": "showDeleted",
    "1.2.840.113556.1.4.473": "sortRequest",
    "1.2.840.113556.1.4.474": "sortResponse",
    "1.2.840.113556.1.4.521": "crossDomainMove",
    "1.2.840.113556.1.4.528": "notification",
    "1.2.840.113556.1.4.529": "extendedDN",
    "1.2.840.113556.1.4.619": "lazyCommit",
    "1.2.840.113556.1.4.801": "sdFlags",
    "1.2.840.113556.1.4.802": "rangeOption",
    "1.2.840.113556.1.4.805": "treeDelete",
    "1.2.840.113556.1.4.841": "dirSync",
    "1.2.840.113556.1.4.970": "getStats",
    "1.2.840.113556.1.4.1338": "verifyName",
    "1.2.840.113556.1.4.1339": "domainScope",
    "1.2.840.113556.1.4.1340": "searchOptions",
    "1.2.840.113556.1.4.1413": "permissiveModify",
    "1.2.840.113556.1.4.1504": "attributeScopedQuery",
    "1.2.840.113556.1.4.1852": "quota",
    "1.2.840.113556.1.4.1948": "rangeRetrievalNoError",
    "1.2.840.113556.1.4.1974": "forceUpdate",
    "1.2.840.113556.1.4.2064": "showRecycled",
    "1.2.840.113556.1.4.2065": "showDeactivatedLink",
    "1.2.840.113556.1.4.2066": "policyHints",
    "1.2.840.113556.1.4.2090": "dirSyncEx",
    "1.2.840.113556.1.4.2205": "updateStats",
    "1.2.840.113556.1.4.2239": "policyHintsEx",
    "1.2.826.0.1.3344810.2.3": "matchedValues",
    "1.3.6.1.1.12": "assertion",
    "1.3.6.1.1.13.1": "preRead",
    "1.3.6.1.1.13.2": "postRead",
    "1.3.6.1.1.21.2": "transactionSpecification",
    "1.3.6.1.1.22": "dontUseCopy",
    "1.3.6.1.4.1.42.2.27.8.5.1": "passwordPolicy",
    "1.3.6.1.4.1.42.2.27.9.5.2": "getEffectiveRights",
    "1.3.6.1.4.1.42.2.27.9.5.8": "accountUsability",
    "1.3.6.1.4.1.4203.1.9.1.1": "syncRequest",
    "1.3.6.1.4.1.4203.1.9.1.2": "syncState",
    "1.3.6.1.4.1.4203.1.9.1.3": "syncDone",
    "1.3.6.1.4.1.4203.1.10.1": "subentries",
    "1.3.6.1.4.1.4203.666.5.2": "noOp",
    "1.3.6.1.4.1.4203.666.5.12": "relaxRules",
    "1.3.6.1.4.1.21008.108.63.1": "sessionTracking",
    "2.16.840.1.113730.3.4.2": "manageDsaIT",
    "2.16.840.1.113730.3.4.3": "persistentSearch",
    "2.16.840.1.113730.3.4.4": "passwordExpired",
    "2.16.840.1.113730.3.4.5": "passwordExpiring",
    "2.16.840.1.113730.3.4.7": "entryChangeNotification",
    "2.16.840.1.113730.3.4.9": "virtualListViewRequest",
    "2.16.840.1.113730.3.4.10": "virtualListViewResponse",
    "2.16.840.1.113730.3.4.12": "proxiedAuthorizationV1",
    "2.16.840.1.113730.3.4.15": "authorizationIdentityResponse",
    "2.16.840.1.113730.3.4.16": "authorizationIdentityRequest",
    "2.16.840.1.113730.3.4.18": "proxiedAuthorization",
}

RESULTS = {
    0: "success",
    1: "operationsError",
    2: "protocolError",
    3: "timeLimitExceeded",
    4: "sizeLimitExceeded",
    5: "compareFalse",
    6: "compareTrue",
    7: "authMethodNotSupported",
    8: "strongerAuthRequired",
    9: "partialResults",
    10: "referral",
    11: "adminLimitExceeded",
    12: "unavailableCriticalExtension",
    13: "confidentialityRequired",
    14: "saslBindInProgress",
    16: "noSuchAttribute",
    17: "undefinedAttributeType",
    18: "inappropriateMatching",
    19: "constraintViolation",
    20: "attributeOrValueExists",
    21: "invalidAttributeSyntax",
    32: "noSuchObject",
    33: "aliasProblem",
    34: "invalidDNSyntax",
    35: "isLeaf",
    36: "aliasDereferencingProblem",
    48: "inappropriateAuthentication",
    49: "invalidCredentials",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    54: "loopDetect",
    60: "sortControlMissing",
    61: "offsetRangeError",
    64: "namingViolation",
    65: "objectClassViolation",
    66: "notAllowedOnNonLeaf",
    67: "notAllowedOnRDN",
    68: "entryAlreadyExists",
    69: "objectClassModsProhibited",
    70: "resultsTooLarge",
    71: "affectsMultipleDSAs",
    76: "virtualListViewError",
    80: "other",
    112: "lcupResourcesExhausted",
    113: "lcupSecurityViolation",
    114: "lcupInvalidData",
    115: "lcupUnsupportedScheme",
    116: "lcupReloadRequired",
    118: "canceled",
    119: "noSuchOperation",
    120: "tooLate",
    121: "cannotCancel",
    122: "assertionFailed",
    123: "authorizationDenied",
    4096: "e-syncRefreshRequired",
}
GOOD = frozenset({0, 5, 6, 10, 14, 118})
"""Results that are no error."""

_SECRET = frozenset(
    {"userpassword", "unicodepwd", "dbcspwd", "lmpwdhistory", "ntpwdhistory", "supplementalcredentials",
     "sambantpassword", "sambalmpassword", "krbprincipalkey", "olcrootpw", "clearpassword", "ms-mcs-admpwd",
     "authpassword", "pwdhistory", "ipanthash"}
)  # fmt: skip


def is_secret(attribute: str) -> bool:
    """Tell whether values of this attribute description are passwords or keys, which are never shown."""
    return attribute.partition(";")[0].lower() in _SECRET


def result_name(code: int) -> str:
    """Give the name of a result; `result 99` where there is none."""
    return RESULTS.get(code) or f"result {code}"
