-- The comparator in front of a number, such as < in <5; null if the text is anything more.
-- arguments: received
nullif(regexp_extract(received, '^\s*(<=|>=|<|>)\s*[-+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?\s*$', 1), '')
