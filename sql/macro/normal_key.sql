-- The form in which received words are looked up: lower case, only letters, digits and dots.
-- arguments: received
regexp_replace(lower(received), '[^a-z0-9.]+', '', 'g')
