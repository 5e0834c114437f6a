"""Threads as pages for a browser: one file each, without a script, which loads nothing and works when it is sent.

Everything in a page that an agent or a person has written is text. It becomes HTML in `markup` alone, or is escaped by
the templates; the policy in the head of the page forbids a browser whatever might have got through.
"""
