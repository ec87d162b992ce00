"""One detector a file; each is found by being there."""
