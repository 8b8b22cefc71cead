"""The user's question: a YAML file becomes variants in which every value is known, or a list of all its problems.

`load` reads the file, `variants` multiplies its matrix, and `model` is one variant. `expectation` and `fault_entry`
read the two parts that have a language of their own, `fields` the kinds of values. `schema` says what is valid, and
`messages` puts into sentences what is not. Begin with `model`.
"""
