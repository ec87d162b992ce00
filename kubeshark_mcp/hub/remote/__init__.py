"""A Kubeshark Hub elsewhere, over HTTP; the only door to httpx2.

Takes questions of the Hub interface; gives answers in the contract's shapes. access says where and with which
credential, client and download carry requests, bindings puts our arguments into the Hub's names, the readings turn its
JSON into our shapes, hub joins them.
"""
