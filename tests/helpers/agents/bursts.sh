#!/bin/sh
# Writes its reply in bursts: bursts.sh SECONDS-BETWEEN TEXT...
pause=$1
shift
for text; do
	printf "$text"
	sleep "$pause"
done
