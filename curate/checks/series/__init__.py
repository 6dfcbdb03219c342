"""What time series are judged by: the points of long ones, and series of a set against each other."""
