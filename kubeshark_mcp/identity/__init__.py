"""Which workload had this address at that time: from Kubernetes objects, DNS answers and names inside captures.

Takes objects (already parsed), answers and names; gives `Identity` and `Tenure` (model.workload). May import model and
errors only; reads no file.

table: who had an address. kubernetes: objects to tenures. names: DNS answers. selection: which workloads are listed.
To add a source of identities: one module here that gives `Objects` or adds names, and a line in the hub that feeds it.
"""
