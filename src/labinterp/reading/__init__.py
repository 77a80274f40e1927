"""Text → meaning, the only place: values, units, names, ranges, flags, people and times."""
