"""What came out, for people and for machines: numbers with their uncertainty, and every transcript."""
