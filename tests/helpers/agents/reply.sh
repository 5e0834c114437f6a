#!/bin/sh
# A well-behaved agent: reads its prompt to the end, then replies.
cat >/dev/null
printf '%s\n' '---' '$status: done' '---' '' 'Read and done.'
