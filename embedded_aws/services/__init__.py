"""The services, a folder each, named as AWS names them."""
