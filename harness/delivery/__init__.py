"""The event source mapping: what stands between a stream's records and the function's invocations.

`dispatcher` follows the shards (`shards`, `sources`), takes out what the `filters` refuse, and gives each record to a
`lane`. A `worker` takes batches from its lane; `deliveries` hands them over; `redelivery` decides, purely, what becomes
of them; `on_failure` reports what was discarded. `host` is what all of it needs from the platform it runs on.
"""
