"""A validated data set in the layouts that other tools read: one format a file, behind `export`."""
