"""Lists of the nearest rows of every row, kept from one audit of a growing set to the next one."""
