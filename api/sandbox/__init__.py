"""Child processes with limits of memory and time, which read foreign bytes and compute for requests."""
