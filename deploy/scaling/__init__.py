"""`make bench-scale`: what one machine does, part by part, and what that says of many machines."""
