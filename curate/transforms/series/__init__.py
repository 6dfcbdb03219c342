"""Parts of the transforms of time series: columns as arrays, scaling, regular steps."""
