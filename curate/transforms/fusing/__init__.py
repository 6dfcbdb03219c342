"""Parts of `fuse`: what turns each input of a row into numbers."""
