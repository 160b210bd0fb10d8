"""Feature shards: actors that hold features, and the refresh on them."""
