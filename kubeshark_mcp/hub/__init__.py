"""A Hub answers questions about traffic: the embedded one from captures on this machine, a remote one over HTTP.

`interface` is what a toolset sees. `contract` holds the shapes of questions and answers. `pipeline` joins the rooms:
capture -> stream -> dissect -> identity -> store. May import every room below it; those never import each other.
"""
