"""The incident lab: small clusters of real servers in network namespaces, one fault each, captured with the truth.

`python -m evals.lab list | build | verify`. README.md says how to add an incident.
"""
