"""How events come in that nobody has to ask for: the spool folder and the endpoint, read strictly."""
