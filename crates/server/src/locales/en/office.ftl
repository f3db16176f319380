# What staff read in the office.
