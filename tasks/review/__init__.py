"""The review sheet: a page on which people judge what the data set says. The way back is tasks/validate/reviews.py."""
