"""Pull: send query events to Redox and keep its replies.

`requests` and `plan` say what to ask, `auth` who we are, `exchange` and `client` ask, `journal`
remembers what was answered, `run` does it in parallel. Where the replies go is a `Sink` that the
caller gives; this package knows no warehouse and no segment format.
"""
