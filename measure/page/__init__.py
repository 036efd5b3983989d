"""Runs as one page of HTML that needs no network, and the same table as Markdown and CSV."""
