"""Measure a deployed model, and write down what was measured: report.json, report.md and a terminal table."""
