"""Tables of any layout → rows of results: columns, layouts, sources."""
