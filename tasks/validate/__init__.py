"""The gate in front of training: narrated captions in; splits, quarantine, CSV and data card out."""
