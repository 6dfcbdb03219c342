"""Files of one format each, and several that belong together."""
