"""Metrics: plain counters, read when scraped."""
