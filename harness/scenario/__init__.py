"""The user's question: from a YAML file to variants with everything in them known, and all that is wrong at once."""
