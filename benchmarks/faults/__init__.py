"""Faults, put into a small real project at random moments, and what the project must keep through each of them."""
