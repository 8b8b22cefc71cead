"""The event source mapping: it reads a stream's records and invokes the function with them.

The `dispatcher` reads the shards (`shards`, `sources`), drops the records that match no filter (`filters`), and gives
each other record to a `lane`, whose worker takes batches from it. `deliveries` invokes the function with them, and says
what that needs of the platform. `redelivery` decides what happens to a batch afterwards, and makes the report on
discarded records.
"""
