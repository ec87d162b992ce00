"""Kubeshark in a Kubernetes cluster: finding it, reaching it, starting and stopping it; the only door to lightkube.

kube asks the API server, tokens keep a minted credential fresh, forward runs `kubectl port-forward`, access joins the
three into a way in for `hub.remote`, lifecycle plans and runs the programs that install and remove Kubeshark.
"""
