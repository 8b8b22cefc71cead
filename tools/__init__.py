"""Programs that make the documents of this repository; they are no part of the package."""
