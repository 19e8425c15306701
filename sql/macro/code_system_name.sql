-- The standard name of a code system if it is known, else the received one.
-- arguments: known, received
coalesce(known, received)
