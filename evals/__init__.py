"""What the project claims about itself, measured: incidents with known causes, and who finds them at what cost."""
