"""Many rows at once: columns in, columns of codes out, whatever holds them."""
