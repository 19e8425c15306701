-- The comparator of a number that stands alone, such as the < of <5.
-- arguments: received
nullif(regexp_extract(received, '^\s*(<=|>=|<|>)\s*[-+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?\s*$', 1), '')
