"""Who may call the embedded AWS: whoever signs with a key of this very server, from this machine, and no web page."""
