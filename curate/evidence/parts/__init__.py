"""Values of many numbers per row, which the machines that measured them left in a cache that all of them share."""
