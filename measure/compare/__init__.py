"""Comparing runs: what became better or worse, by how much, and whether that is more than noise."""
