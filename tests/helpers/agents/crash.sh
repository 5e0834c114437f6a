#!/bin/sh
# Says something, complains, and fails: crash.sh EXIT-CODE, or with a signal: crash.sh -SIGNAL
echo 'I was about to'
echo 'cannot go on' >&2
case "$1" in
-*) kill "$1" $$ ;;
*) exit "$1" ;;
esac
