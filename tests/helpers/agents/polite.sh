#!/bin/sh
# Runs until SIGTERM, then says good-bye and exits with success.
trap 'echo good-bye; exit 0' TERM
echo 'at work'
while :; do sleep 0.02; done
