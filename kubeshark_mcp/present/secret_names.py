"""Which names stand for secrets: headers, parameters, keys of JSON, forms and settings."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECRET_WORDS = _words(
    """
    password passwd passphrase passcode secret apikey accesskey privatekey secretkey signingkey encryptionkey
    accountkey sharedkey signature credential authorization connectionstring clientassertion requirepass
    masterauth sessionid cardnumber
    """
)
"""A name that contains one of these is a secret's, unless NOT_SECRET_ENDINGS says otherwise."""

SECRET_NAMES = _words(
    """
    cookie setcookie cookie2 setcookie2 pwd pass pw pgpass pgpassword mysqlpwd otp totp pin jwt sig sid cvv cvc
    licensekey xauth authkey xauthkey sessionkey session phpsessid samlresponse samlrequest assertion
    codeverifier dbpass dbpwd userpass bearer awsaccesskeyid xgoogcredential kubeconfig tlskey sshkey idrsa
    nonceproof dockerconfigjson xforwardedaccesstoken authenticationinfo seed mnemonic
    """
)
"""Whole names of secrets."""

NOT_SECRET_NAMES = _words(
    """
    pagetoken nextpagetoken nexttoken continuationtoken continuetoken synctoken nextsynctoken starttoken
    paginationtoken stoptoken eostoken bostoken padtoken unktoken septoken
    """
)
"""Names that end in `token` and hold a place in a list or in a vocabulary."""

NOT_SECRET_ENDINGS = tuple(
    _words(
        """
    type name ref policy expiry expires expiresin expiresat length version method algorithm enabled required
    count hint url uri endpoint namespace format provider createdat updatedat changedat strength attempts
    """
    )
)
"""A name with one of these at its end is about a secret, not one (`secretName`, `token_type`)."""

SCHEMES = _words(
    """
    basic bearer digest negotiate ntlm token apikey api-key aws4-hmac-sha256 hmac hoba dpop mutual oauth
    scram-sha-1 scram-sha-256 vapid gnap privatetoken sharedkey sharedkeylite sharedaccesssignature signature jwt key
    splunk genie googlelogin aws plain xoauth2 oauthbearer login cram-md5
    """
)
"""Authentication schemes (IANA's registry and those in common use), in lower case: they may be shown."""

COOKIE_ATTRIBUTES = _words(
    """
    path domain expires max-age samesite secure httponly partitioned priority version comment
    """
)
"""Attributes of Set-Cookie (RFC 6265 section 5.2 and later drafts), which are no secrets."""

_SEPARATORS = re.compile(r"[-_.\s\[\]:$@]+")


def is_secret_name(name: str) -> bool:
    """Tell whether the value under this name is a secret; spelling (`API-Key`, `apiKey`, `api_key`) does not matter."""
    if len(name) > 128:
        name = name[-128:]
    plain = _SEPARATORS.sub("", name.lower())
    if plain in SECRET_NAMES:
        return True
    if plain.endswith("token"):
        return plain not in NOT_SECRET_NAMES
    return any(word in plain for word in SECRET_WORDS) and not plain.endswith(NOT_SECRET_ENDINGS)
