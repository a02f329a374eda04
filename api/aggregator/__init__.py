"""The aggregator: takes jobs under leases, makes their rounds, writes what comes of them. Started by the API's lifespan."""
