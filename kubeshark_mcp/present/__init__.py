"""Answers as people and models read them: tables, paging, time zones, redaction, fencing, token budgets.

Takes plain values; gives text. May import model and errors.
"""
