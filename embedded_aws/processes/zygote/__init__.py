"""Fast starts of Python processes: a zygote imports what is heavy once, and forks a process for each request.

`serve` is the zygote itself, `handle` the server's end of it. What a forked process does is a *role*: a file with
`HEAVY` (modules to import), `SERVICES` (AWS services whose models to read) and `be(request, files)`. More modules to
import, and packages to watch (a zygote that holds an old state of them is replaced), are those of the application.
"""
