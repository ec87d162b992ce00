"""What runs the cases: the offline tier here, the tier with a model in `evals.model`."""
