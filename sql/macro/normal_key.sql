-- The form in which words of senders are looked up: lower case, nothing but letters, digits and dots.
-- arguments: received
regexp_replace(lower(received), '[^a-z0-9.]+', '', 'g')
