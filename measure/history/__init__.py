"""All runs of this checkout in one SQLite file: kept, listed, merged, and drawn over time."""
