"""One file a protocol, named by its KFL name; they do not know each other."""
