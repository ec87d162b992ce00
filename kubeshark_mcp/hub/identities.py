"""The identities of one run: Kubernetes objects, names inside captures, and DNS answers as they are read."""

from __future__ import annotations
