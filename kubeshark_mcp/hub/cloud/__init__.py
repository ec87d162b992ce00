"""Snapshots in object storage: S3, Azure Blob, Google Cloud Storage, or a mounted folder.

`PREFIX/snapshots/ID/...` are the files of a snapshot, `PREFIX/snapshots/ID/manifest.json` names them with their SHA-256
and is written last: what has no manifest is no snapshot.
"""
