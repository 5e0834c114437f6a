"""`uwf demo`: the workflow `tidy`, the agent that plays its roles, and a small untidy project.

The agent stands where a person's own would stand: `agent.py` reads a prompt on stdin and prints a reply,
and nothing here knows how uwf works inside. The command is `cli/demo/command.py`, its story `cli/demo/story.py`.
"""
