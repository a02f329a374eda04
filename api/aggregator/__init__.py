"""The aggregator: takes jobs under leases, makes their rounds, writes what comes of them. The API starts it."""
