-- The number, if the whole text is a number with or without a comparator; else null.
-- arguments: received
try_cast(nullif(regexp_extract(
  received, '^\s*(?:<=|>=|<|>)?\s*([-+]?[0-9]*[.]?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*$', 1
), '') as double)
