#!/bin/sh
# Ignores SIGTERM and never ends.
trap '' TERM
echo 'I will not go'
while :; do sleep 0.05; done
