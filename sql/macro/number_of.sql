-- The number where the whole text is one, perhaps after a comparator; null otherwise.
-- arguments: received
try_cast(nullif(regexp_extract(
  received, '^\s*(?:<=|>=|<|>)?\s*([-+]?[0-9]*[.]?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*$', 1
), '') as double)
