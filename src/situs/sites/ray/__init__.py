"""Sites of kind ``ray``: an existing Ray cluster, by the HTTP interface of its dashboard."""
