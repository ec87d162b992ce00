"""The tier with a model: the same questions to three arms, within budgets."""
