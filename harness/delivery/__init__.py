"""The event source mapping: it reads a stream's records and invokes the function with them.

The `dispatcher` reads the shards (`shards`, `sources`), drops the records that match no filter (`filters`), and gives
each other record to a `lane`. A `worker` takes batches from its lane, and `deliveries` invokes the function with them.
`redelivery` decides what happens to a batch afterwards; `on_failure` makes the report on discarded records. `host` says
what the dispatcher needs from its platform.
"""
