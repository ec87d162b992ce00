"""Prompt templates; the only door to jinja2. May import model and errors."""
