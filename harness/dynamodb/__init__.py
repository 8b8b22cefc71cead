"""DynamoDB's item calls, imitated: pure but for the tables that it holds, and nothing else of the harness is in it.

A request goes through it like this: `requests` refuses what has the wrong form. `values` make its values canonical.
`grammar` reads its `expressions`; `conditions` and `updates` make functions of them, and so do `keyconditions` and
`legacy` of what else there is. Then the table is looked up in the `store`, and `keys` checks that key and indexes fit.
`writes` judge the condition, compute the items after the call, put them there and tell the changes; `reads` answer in
pages. `capacity` says what it consumed. Each refusal is a `values.Rejected`, raised before anything has changed.
"""
