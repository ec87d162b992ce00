"""Which workload had this address at that time: from Kubernetes objects, DNS answers and names inside captures.

Takes tenures and questions; gives `Identity` (model.workload). May import model and errors.
"""
