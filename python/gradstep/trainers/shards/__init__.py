"""Training in shards of batches, in one process or by a team of them."""
