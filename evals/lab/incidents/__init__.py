"""The incidents, one a file, found by being there. Their names are rivers and say nothing about what is wrong."""
