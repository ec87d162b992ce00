"""Errors a person reads: each is a sentence that quotes what was given, says what is wrong and what to do."""

from __future__ import annotations


class KubesharkError(Exception):
    """Base of every error this package raises on purpose; its text is meant for the user."""


class UsageError(KubesharkError):
    """The caller gave something that cannot be used: a bad argument, window, limit or path."""


class NotFoundError(KubesharkError):
    """The named thing (snapshot, dissection, call, file) does not exist here."""


class ConflictError(KubesharkError):
    """The request clashes with the present state: a name is taken, a job is running."""


class CaptureError(KubesharkError):
    """A capture file cannot be read at all; damage inside a readable file is a warning instead."""


class FilterError(KubesharkError):
    """A BPF or KFL expression is not valid; the message holds position and suggestion."""


class StoreError(KubesharkError):
    """The workspace cannot be read or written: full disk, read-only folder, newer format."""


class HubError(KubesharkError):
    """A Hub could not answer."""


class UnsupportedError(KubesharkError):
    """This Hub cannot do what was asked; the message names what can."""
