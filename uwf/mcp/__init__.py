"""A front door for programs: uwf as a server of the Model Context Protocol, over stdin and stdout.

    tools/       what a client may call, a file a kind: looks, acts, waiting
    call         one call: its arguments checked, the tool run, its answer cut to size, errors as documents
    follower     waits for a thread, and tells what its agent does
    resources    threads and steps as Markdown, by URI
    server       the protocol, by the official SDK: the only file that imports it

A client that goes away ends the server, and never a run: that is a process of its own.
"""
