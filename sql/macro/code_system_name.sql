-- The one name of a code system where it is known, else what came.
-- arguments: known, received
coalesce(known, received)
