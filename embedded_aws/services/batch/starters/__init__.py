"""How attempts of jobs are started on this machine; in containers and namespaces, see `embedded_aws/containers/`."""
