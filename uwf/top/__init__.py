"""`uwf top`: a home on one screen that keeps itself up to date, and keys to act on what it shows.

    cli -> begin    the driver for this terminal, and signals
           screen   which key does what; list, pages: what is drawn (Textual, the extra `uwf[top]`)
           watch    a thread of its own looks again and again, so that the screen never waits for the store
           looking  one look: bounded queries, whatever the number of threads
           reading  closer: lines about one thread, and the page that is open
           rows     what a row says of a thread; drawing: how rows and lines look
           acts     what the keys do to a thread, by the verbs of the app

What is looked at and how it reads needs no Textual.
"""
