"""`uwf demo`: the workflow `tidy`, the programs that play its roles, and a small untidy project.

The programs stand where a person's own agents would stand: `agent.py` reads a prompt on stdin and prints a reply,
and nothing here knows how uwf works inside. The tour through them is told by `cli/demo.py`.
"""
